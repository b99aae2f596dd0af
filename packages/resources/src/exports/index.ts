/**
 * The fields that requests of resource-oriented contracts have in common, by the AIPs: pages and filters of lists, etags, update
 * masks and dates. The readers report each fault by what `reading` of `@rondo/rpc/server` passes to them, or `validate` of
 * `@rondo/rpc/status`.
 *
 * ```ts
 * import { type List, readList } from '@rondo/resources';
 * import { validate } from '@rondo/rpc/status';
 *
 * const BOOKS: List = { collection: 'books', fields: { year: { kind: 'integer' } }, sortable: ['year'] };
 * const request = { filter: 'year > 1900', orderBy: 'year desc', pageSize: 10, pageToken: '' };
 * const query = validate((field) => readList(field, BOOKS, request)); // listPage of @rondo/resources/sql reads the page
 * ```
 */

export type { FilterField } from '../filter.js';
export { type List, nextPageToken, readList } from '../list.js';
export { idIn, nameField, readName } from '../names.js';
export {
  type Etagged,
  etagOf,
  readDate,
  readEtag,
  readUpdateMask,
  required,
  toDateMessage,
} from '../request-fields.js';
export { createStatusMapping, type StatusMapping } from '../status.js';
export { currentViewer, type Viewer, viewedBy } from '../viewer.js';
