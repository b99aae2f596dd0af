import type { FieldAt } from '@rondo/rpc/status';
import { type Condition, type FilterField, readFilter } from './filter.js';
import { type Page, type PageRequest, readPage, toPageToken } from './page.js';

/** A list of the contract. */
export interface List {
  /** What is listed, such as `projects/p1/tasks`: a page token is good for one collection. */
  readonly collection: string;
  /** What a filter may ask, by field. */
  readonly fields: Readonly<Record<string, FilterField>>;
}

/** The fields that a request for a list has. */
export interface ListRequest extends PageRequest {
  readonly filter: string;
  /** Missing where nothing of the list can be deleted and brought back. */
  readonly showDeleted?: boolean;
}

/** What part of which list. */
export interface ListQuery extends Page {
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
