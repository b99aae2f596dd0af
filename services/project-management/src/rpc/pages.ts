import type { FieldAt } from '@rondo/rpc/status';
import type { PageQuery } from '../domain/page.js';

const DEFAULT_SIZE = 50;
const MAX_SIZE = 100;
const MAX_POSITION = 2n ** 63n - 1n;
const TOKEN = /^after (\d{1,19}) in (.+)$/;

/** The fields that every request for a list has (AIP-158). */
export interface ListRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

/**
 * What part of the list `collection` is asked for; a token is good for its own collection only. More than the maximum
 * is read as the maximum.
 */
export function readPage(field: FieldAt, collection: string, { pageSize, pageToken }: ListRequest): PageQuery {
  return {
    size: readSize(field, pageSize),
    after: pageToken === '' ? undefined : readToken(field, collection, pageToken),
  };
}

/** The token of the page that begins after `position`; empty where there is none. */
export function toPageToken(collection: string, position: bigint | undefined): string {
  return position === undefined ? '' : Buffer.from(`after ${position} in ${collection}`).toString('base64url');
}

function readSize(field: FieldAt, size: number): number {
  if (size < 0) {
    field('page_size')(`must not be negative; it is from 1 to ${MAX_SIZE}, and 0 is read as ${DEFAULT_SIZE}`);
  }
  return size === 0 ? DEFAULT_SIZE : Math.min(size, MAX_SIZE);
}

function readToken(field: FieldAt, collection: string, token: string): bigint {
  const [, digits = '', of] = TOKEN.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  const position = BigInt(digits);
  if (of === collection && position <= MAX_POSITION) return position;
  field('page_token')('must be the next_page_token of a reply for the same list; leave it empty for the first page');
  return 0n;
}
