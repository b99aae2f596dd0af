import { createHash } from 'node:crypto';
import { InvalidResumeToken } from './errors.js';
import type { Anchor } from './history.js';

/** The position of a watcher, and the changes after it that the watcher has already received. */
export interface Place extends Anchor {
  /**
   * Changes that the snapshot included before they were relayed, and that still aren't relayed: the write time in
   * milliseconds by outbox id. The time is needed because another history may reuse an id.
   */
  readonly included: ReadonlyMap<bigint, number>;
  /** Inside a keyed snapshot: the watcher has the rows up to this key only. */
  readonly key?: bigint | undefined;
}

/** Version 2 has a key; earlier releases of this package, which don't know it, begin with a snapshot. */
const VERSIONS = ['1', '2'];
const HASH_LENGTH = 11;
const MAX_LENGTH = 8_192;
const ANY_VERSION = /^(?<version>\d{1,3})\./;
const PLACE =
  /^\d\.(?<view>[\w-]+)\.(?<position>\d{1,18})\.(?<mark>[\w-]{1,40})\.(?<included>(?:\d{1,19}-\d{1,15},)*)(?:\.(?<key>\d{1,18}))?$/;

/** Identifies the topic and filter of a token: 66 bits of their digest. */
export function viewOf(topic: string, filter = ''): string {
  const digest = createHash('sha256').update(`${topic}\n${filter}`).digest('base64url');
  return digest.slice(0, HASH_LENGTH);
}

/** The opaque token of a place. */
export function writeToken(view: string, { position, mark, included, key }: Place): string {
  const ids = [...included].map(([id, writtenMs]) => `${id}-${writtenMs},`).join('');
  const place = `${view}.${position}.${mark}.${ids}`;
  return Buffer.from(key === undefined ? `1.${place}` : `2.${place}.${key}`).toString('base64url');
}

/**
 * The place of a token; undefined for a token of another version of this package, which can't be resumed.
 *
 * @throws InvalidResumeToken
 */
export function readToken(view: string, token: string): Place | undefined {
  const text = token.length > MAX_LENGTH ? '' : Buffer.from(token, 'base64url').toString();
  const version = ANY_VERSION.exec(text)?.groups?.['version'];
  if (version !== undefined && !VERSIONS.includes(version)) return undefined;
  const { view: given, position, mark, included, key } = PLACE.exec(text)?.groups ?? {};
  const isWhole = position !== undefined && mark !== undefined && included !== undefined;
  if (!isWhole || (key !== undefined) !== (version === '2')) {
    // @rewraps ForeignResumeToken of @rondo/resources replaces it.
    throw new InvalidResumeToken('is no resume token: send a token unchanged, or none');
  }
  if (given !== view) {
    // @rewraps ForeignResumeToken of @rondo/resources replaces it.
    throw new InvalidResumeToken('is of another watch: send a token of this watch, or none to start with a snapshot');
  }
  return { position: BigInt(position), mark, included: parseIncluded(included), ...(key && { key: BigInt(key) }) };
}

function parseIncluded(text: string): ReadonlyMap<bigint, number> {
  const entries = text.split(',').filter((entry) => entry !== '');
  return new Map(
    entries.map((entry) => {
      const [id = '', writtenMs = ''] = entry.split('-');
      return [BigInt(id), Number(writtenMs)];
    }),
  );
}
