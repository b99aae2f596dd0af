import { createHash } from 'node:crypto';
import { callPrincipal, createContextKey, currentScope } from '@rondo/rpc/call';
import type { FieldAt, ReportFault } from '@rondo/rpc/status';
import { type ListOrder, type ListQuery, MAX_POSITION, type PageQuery, type Place } from './domain/list.js';
import { type FilterField, readFilter, readValue } from './filter.js';

/** A list in the contract. */
export interface List {
  /** The listed collection, such as `projects/p1/tasks`. A page token is valid for one collection. */
  readonly collection: string;
  /** The fields that a filter may compare, by path. */
  readonly fields: Readonly<Record<string, FilterField>>;
  /** The fields by which a request may sort the list, the same as in the table's listing; none by default. */
  readonly sortable?: readonly string[];
  /** The order of requests that ask for none; by default that of the table's listing. */
  readonly order?: ListOrder;
}

/** The resource that the caller doesn't see, so that the call fails as if there were none; empty if it is known by no name. */
export const hiddenByRule = createContextKey<string | undefined>(undefined, { description: 'hidden by a rule' });

/** The fields of a list request. */
export interface ListRequest extends PageRequest {
  readonly filter: string;
  /** Absent if the list has no soft deletion. */
  readonly showDeleted?: boolean;
  /** Absent if the list can't be sorted. */
  readonly orderBy?: string;
}

/** Reads a list request of the present call, whose caller's the token has to be; faults are reported. */
export function readList(field: FieldAt, list: List, request: ListRequest): ListQuery {
  const order = readOrder(field('order_by'), list, request.orderBy ?? '');
  return {
    ...readPage(field, narrowed(list, request), { ...request, key: order && list.fields[order.field] }),
    conditions: readFilter(field('filter'), request.filter, list.fields),
    order,
    showDeleted: request.showDeleted ?? false,
  };
}

/** The token of the list's next page; empty if there is none. */
export function nextPageToken(list: List, request: ListRequest, next: Place | undefined): string {
  return toPageToken(narrowed(list, request), next);
}

/** The collection with everything that narrows or sorts it, the caller included: a token is valid for these only. */
function narrowed({ collection }: List, { filter, showDeleted = false, orderBy = '' }: ListRequest): readonly string[] {
  const sorted = orderBy.trim() === '' ? [] : [`by ${orderBy}`];
  const caller = currentScope()?.values?.get(callPrincipal);
  const identity = caller === undefined ? [] : [caller.issuer, caller.subject];
  return [collection, filter, showDeleted ? 'deleted too' : '', ...sorted, ...identity];
}

/** The most characters of a wrong order that a fault repeats. */
const MAX_SHOWN = 100;
/** A field of AIP-132's `order_by`, descending or not. */
const ORDER = /^\s*([^\s,]+)(\s+desc)?\s*$/;

function readOrder(report: ReportFault, { sortable = [], order }: List, text: string): ListOrder | undefined {
  if (text.trim() === '') return order;
  const [, field = '', descending] = ORDER.exec(text) ?? [];
  if (sortable.includes(field)) return { field, descending: descending !== undefined };
  const rule =
    sortable.length === 0
      ? 'empty: this list has one order'
      : `one of ${sortable.join(', ')}, alone or followed by desc`;
  report(`must be ${rule}; it is ${JSON.stringify(text.slice(0, MAX_SHOWN))}`);
  return order;
}

const DEFAULT_SIZE = 50;
const MAX_SIZE = 100;
/** A token of a list that is sorted by a field has the value of the last item, too. */
const TOKEN = /^after (\d{1,19}) in ([0-9a-f]{16})(?: at (.*))?$/s;

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
export function readPage(
  field: FieldAt,
  list: readonly string[],
  { pageSize, pageToken, key }: PageRequest & { readonly key?: FilterField | undefined },
): PageQuery {
  const size = readSize(field, pageSize);
  if (pageToken === '') return { size, after: undefined };
  const after = readToken(list, pageToken, key);
  if (after !== undefined) return { size, after };
  field('page_token')(
    'must be the next_page_token of a reply to the same caller for the same list, its filter and order included; leave it empty for the first page',
  );
  return { size, after: undefined };
}

/** The token of the page after a place; empty if there is none. */
export function toPageToken(list: readonly string[], place: Place | undefined): string {
  if (place === undefined) return '';
  const { position, value } = place;
  const at = value === undefined ? '' : ` at ${value instanceof Date ? value.toISOString() : value}`;
  return Buffer.from(`after ${position} in ${digestOf(list)}${at}`).toString('base64url');
}

function readSize(field: FieldAt, size: number): number {
  if (size < 0) {
    field('page_size')(`must not be negative; it is from 1 to ${MAX_SIZE}, and 0 is read as ${DEFAULT_SIZE}`);
  }
  return size === 0 ? DEFAULT_SIZE : Math.min(size, MAX_SIZE);
}

/** The place in a token; undefined if the token belongs to another list. The digest is no secret, so the place is checked too. */
function readToken(list: readonly string[], token: string, key: FilterField | undefined): Place | undefined {
  const [, digits = '', of, text] = TOKEN.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  const position = BigInt(digits);
  if (of !== digestOf(list) || position > MAX_POSITION) return undefined;
  if (text === undefined) return { position };
  const value = key && readValue(storedAs(key), text).value;
  return value === undefined ? undefined : { position, value };
}

/** A place has a value as the table has it: of a reference the id, and of an enum also what stands for none. */
function storedAs(key: FilterField): FilterField {
  const isText = key.kind === 'name' || (key.kind === 'enum' && !key.values.includes('true'));
  return isText ? { kind: 'text' } : key;
}

function digestOf(list: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(list)).digest('hex').slice(0, 16);
}
