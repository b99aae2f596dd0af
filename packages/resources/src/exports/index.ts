/**
 * The fields that requests of resource-oriented contracts have in common, by the AIPs: pages and filters of lists, etags, request
 * ids, update masks and dates. The readers report each fault by `validate` of `@rondo/rpc/status`.
 *
 * ```ts
 * import { checkRequestId, readEtag } from '@rondo/resources';
 *
 * const changedSince = validate((field) => {
 *   checkRequestId(field('request_id'), request.requestId);
 *   return readEtag(field('etag'), request.etag, etaggedOf);
 * });
 * ```
 */

export type { FilterField } from '../filter.js';
export { type List, nextPageToken, readList } from '../list.js';
export { idIn, nameField, readName } from '../names.js';
export {
  checkRequestId,
  type Etagged,
  etagOf,
  readDate,
  readEtag,
  readUpdateMask,
  toDateMessage,
} from '../request-fields.js';
export { createStatusMapping, type StatusMapping } from '../status.js';
