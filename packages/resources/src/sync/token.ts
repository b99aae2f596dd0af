import { createHash } from 'node:crypto';
import { watchErrors } from './errors.js';
import type { Anchor, Included } from './history.js';

/** The position of a watcher, and the changes after it that the watcher has already received. */
export interface Place extends Anchor {
  /** Changes that the snapshot included before they were relayed, and that still aren't relayed, by outbox id. */
  readonly included: ReadonlyMap<bigint, Included>;
  /** Inside a keyed snapshot: the watcher has the rows up to this key only. */
  readonly key?: bigint | undefined;
  /** How many rows of the next change for this watcher it has already. */
  readonly rows?: number | undefined;
}

/**
 * Version 2 adds the key of a snapshot's part, version 3 the position inside a change of several rows. Earlier
 * releases of this package don't know these versions, and begin with a snapshot.
 */
const VERSIONS = ['1', '2', '3'];
const HASH_LENGTH = 11;
const MAX_LENGTH = 8_192;
const ANY_VERSION = /^(?<version>\d{1,3})\./;
const PLACE =
  /^\d\.(?<view>[\w-]+)\.(?<position>\d{1,18})\.(?<mark>[\w-]{1,40})\.(?<included>(?:\d{1,18}-\d{1,15}(?:-\d{1,18})?,)*)(?:\.(?<key>\d{1,18}|-(?=\.))(?:\.(?<rows>\d{1,6}))?)?$/;

/** Identifies the topic and filter of a token: 66 bits of their digest. */
export function viewOf(topic: string, filter = ''): string {
  const digest = createHash('sha256').update(`${topic}\n${filter}`).digest('base64url');
  return digest.slice(0, HASH_LENGTH);
}

/** The opaque token of a place. */
export function writeToken(view: string, { position, mark, included, key, rows = 0 }: Place): string {
  const changes = [...included].map(([id, { writtenMs, above }]) => [id, writtenMs, above]);
  const isInParts = rows > 0 || changes.some(([, , above]) => above !== undefined);
  const list = changes.map((change) => `${change.filter((value) => value !== undefined).join('-')},`).join('');
  const place = `${view}.${position}.${mark}.${list}`;
  const whole = key === undefined ? `1.${place}` : `2.${place}.${key}`;
  return Buffer.from(isInParts ? `3.${place}.${key ?? '-'}.${rows}` : whole).toString('base64url');
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
  const { view: given, position, mark, included, key, rows } = PLACE.exec(text)?.groups ?? {};
  const isWhole = position !== undefined && mark !== undefined && included !== undefined;
  const fields = [key, rows].filter((field) => field !== undefined);
  if (!isWhole || version !== `${1 + fields.length}` || given !== view) throw watchErrors.FOREIGN_RESUME_TOKEN();
  return {
    position: BigInt(position),
    mark,
    included: parseIncluded(included),
    ...(key && key !== '-' && { key: BigInt(key) }),
    ...(Number(rows) > 0 && { rows: Number(rows) }),
  };
}

function parseIncluded(text: string): ReadonlyMap<bigint, Included> {
  const entries = text.split(',').filter((entry) => entry !== '');
  return new Map(
    entries.map((entry) => {
      const [id = '', writtenMs, above] = entry.split('-');
      return [BigInt(id), { writtenMs: Number(writtenMs), ...(above && { above: BigInt(above) }) }];
    }),
  );
}
