import { createHash } from 'node:crypto';
import type { FieldAt } from '@rondo/rpc/status';
import { type Condition, type FilterField, readFilter } from './filter.js';

/** A list of the contract. */
export interface List {
  /** What is listed, such as `projects/p1/tasks`: a page token is good for one collection. */
  readonly collection: string;
  /** What a filter may ask, by field. */
  readonly fields: Readonly<Record<string, FilterField>>;
}

/** The fields that a request for a list has. */
interface ListRequest extends PageRequest {
  readonly filter: string;
  /** Missing where nothing of the list can be deleted and brought back. */
  readonly showDeleted?: boolean;
}

/** What part of which list. */
interface ListQuery extends Page {
  /** All of them have to hold. */
  readonly conditions: readonly Condition[];
  /** Whether what was deleted is listed, too. */
  readonly showDeleted: boolean;
}

/** What part of a list is asked for. */
export function readList(field: FieldAt, list: List, request: ListRequest): ListQuery {
  return {
    ...readPage(field, narrowed(list, request), request),
    conditions: readFilter(field('filter'), request.filter, list.fields),
    showDeleted: request.showDeleted ?? false,
  };
}

/** The token of the next page of the same list; empty where there is none. */
export function nextPageToken(list: List, request: ListRequest, next: bigint | undefined): string {
  return toPageToken(narrowed(list, request), next);
}

/** A token is good for one collection, narrowed in one way. */
function narrowed({ collection }: List, { filter, showDeleted = false }: ListRequest): readonly string[] {
  return [collection, filter, showDeleted ? 'deleted too' : ''];
}

const DEFAULT_SIZE = 50;
const MAX_SIZE = 100;
const MAX_POSITION = 2n ** 63n - 1n;
const TOKEN = /^after (\d{1,19}) in ([0-9a-f]{16})$/;

/** The fields that every request for a list has (AIP-158). */
export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

/** What part of a list is asked for. */
interface Page {
  /** At most how many: 1 to 100. */
  readonly size: number;
  /** Those after this position; undefined for the first page. */
  readonly after: bigint | undefined;
}

/**
 * What part of `list` is asked for; `list` says which: a collection with all that narrows it, filters included, as a
 * token is good for its own list only. More than the maximum is read as the maximum.
 */
export function readPage(field: FieldAt, list: readonly string[], { pageSize, pageToken }: PageRequest): Page {
  return {
    size: readSize(field, pageSize),
    after: pageToken === '' ? undefined : readToken(field, list, pageToken),
  };
}

/** The token of the page of `list` that begins after `position`; empty where there is none. */
export function toPageToken(list: readonly string[], position: bigint | undefined): string {
  return position === undefined ? '' : Buffer.from(`after ${position} in ${digestOf(list)}`).toString('base64url');
}

function readSize(field: FieldAt, size: number): number {
  if (size < 0) {
    field('page_size')(`must not be negative; it is from 1 to ${MAX_SIZE}, and 0 is read as ${DEFAULT_SIZE}`);
  }
  return size === 0 ? DEFAULT_SIZE : Math.min(size, MAX_SIZE);
}

function readToken(field: FieldAt, list: readonly string[], token: string): bigint {
  const [, digits = '', of] = TOKEN.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  const position = BigInt(digits);
  if (of === digestOf(list) && position <= MAX_POSITION) return position;
  field('page_token')(
    'must be the next_page_token of a reply for the same list, its filter included; leave it empty for the first page',
  );
  return 0n;
}

function digestOf(list: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(list)).digest('hex').slice(0, 16);
}
