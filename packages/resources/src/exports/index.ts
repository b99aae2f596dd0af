/**
 * The fields that requests of resource-oriented contracts have in common, by the AIPs: pages and filters of lists, etags, update
 * masks and dates. The readers report each fault by what `reading` of `@rondo/rpc/server` passes to them, or `validate` of
 * `@rondo/rpc/status`.
 *
 * ```ts
 * import { readEtag } from '@rondo/resources';
 *
 * const changedSince = validate((field) => readEtag(field('etag'), request.etag, etaggedOf));
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
