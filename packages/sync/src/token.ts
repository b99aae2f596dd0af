import { createHash } from 'node:crypto';
import { InvalidResumeToken } from './errors.js';
import type { Anchor } from './history.js';

/** Where a watch is: what it has been told, and what it must not be told again. */
export interface Place extends Anchor {
  /**
   * Changes that the snapshot had already when they weren't relayed yet, and still aren't: by outbox id, with when they
   * were written (milliseconds), as another history may give the same id to another change.
   */
  readonly told: ReadonlyMap<bigint, number>;
}

const VERSION = '1';
const HASH_LENGTH = 11;
const MAX_LENGTH = 8_192;
const ANY_VERSION = /^(?<version>\d{1,3})\./;
const TEXT = /^1\.(?<view>[\w-]+)\.(?<position>\d{1,18})\.(?<mark>[\w-]{1,40})\.(?<told>(?:\d{1,19}-\d{1,15},)*)$/;

/** What a token is good for: 66 bits of a digest of the topic and the name of what is left out of it. */
export function viewOf(topic: string, filter = ''): string {
  const digest = createHash('sha256').update(`${topic}\n${filter}`).digest('base64url');
  return digest.slice(0, HASH_LENGTH);
}

/** The token of a place; opaque to those who hold it. */
export function writeToken(view: string, { position, mark, told }: Place): string {
  const ids = [...told].map(([id, writtenMs]) => `${id}-${writtenMs},`).join('');
  return Buffer.from(`${VERSION}.${view}.${position}.${mark}.${ids}`).toString('base64url');
}

/**
 * The place of a token; undefined for one that another version of this package wrote, as it can only begin anew.
 *
 * @throws InvalidResumeToken
 */
export function readToken(view: string, token: string): Place | undefined {
  const text = token.length > MAX_LENGTH ? '' : Buffer.from(token, 'base64url').toString();
  const version = ANY_VERSION.exec(text)?.groups?.['version'];
  if (version !== undefined && version !== VERSION) return undefined;
  const { view: given, position, mark, told } = TEXT.exec(text)?.groups ?? {};
  if (position === undefined || mark === undefined || told === undefined) {
    throw new InvalidResumeToken('is no resume token: give one as it was received, or none');
  }
  if (given !== view) {
    throw new InvalidResumeToken('is of another watch: give one that this watch was given, or none to begin anew');
  }
  return { position: BigInt(position), mark, told: readTold(told) };
}

function readTold(text: string): ReadonlyMap<bigint, number> {
  const entries = text.split(',').filter((entry) => entry !== '');
  return new Map(
    entries.map((entry) => {
      const [id = '', writtenMs = ''] = entry.split('-');
      return [BigInt(id), Number(writtenMs)];
    }),
  );
}
