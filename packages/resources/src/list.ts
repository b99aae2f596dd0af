import { createHash } from 'node:crypto';
import type { FieldAt } from '@rondo/rpc/status';
import type { ListQuery, PageQuery } from './domain/list.js';
import { type FilterField, readFilter } from './filter.js';
import { currentViewer } from './viewer.js';

/** A list in the contract. */
export interface List {
  /** The listed collection, such as `projects/p1/tasks`. A page token is valid for one collection. */
  readonly collection: string;
  /** The fields that a filter may compare, by path. */
  readonly fields: Readonly<Record<string, FilterField>>;
}

/** The fields of a list request. */
interface ListRequest extends PageRequest {
  readonly filter: string;
  /** Absent if the list has no soft deletion. */
  readonly showDeleted?: boolean;
}

/** Reads a list request; faults are reported. */
export function readList(field: FieldAt, list: List, request: ListRequest): ListQuery {
  return {
    ...readPage(field, narrowed(list, request), request),
    conditions: readFilter(field('filter'), request.filter, list.fields),
    showDeleted: request.showDeleted ?? false,
    sight: currentViewer()?.sight,
  };
}

/** The token of the list's next page; empty if there is none. */
export function nextPageToken(list: List, request: ListRequest, next: bigint | undefined): string {
  return toPageToken(narrowed(list, request), next);
}

/** The collection with everything that narrows it, the viewer included: a token is valid for these only. */
function narrowed({ collection }: List, { filter, showDeleted = false }: ListRequest): readonly string[] {
  return [collection, filter, showDeleted ? 'deleted too' : '', ...(currentViewer()?.identity ?? [])];
}

const DEFAULT_SIZE = 50;
const MAX_SIZE = 100;
const MAX_POSITION = 2n ** 63n - 1n;
const TOKEN = /^after (\d{1,19}) in ([0-9a-f]{16})$/;

/** The paging fields of every list request (AIP-158). */
export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

/**
 * Reads the requested page. A larger size is reduced to the maximum.
 *
 * @param list the collection and everything that narrows it, filters included: a token is valid for the same list only.
 */
export function readPage(field: FieldAt, list: readonly string[], { pageSize, pageToken }: PageRequest): PageQuery {
  return {
    size: readSize(field, pageSize),
    after: pageToken === '' ? undefined : readToken(field, list, pageToken),
  };
}

/** The token of the page after `position`; empty if there is none. */
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
    'must be the next_page_token of a reply to the same caller for the same list, its filter included; leave it empty for the first page',
  );
  return 0n;
}

function digestOf(list: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(list)).digest('hex').slice(0, 16);
}
