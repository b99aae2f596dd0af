/**
 * The fields that requests of resource-oriented contracts have in common, by the AIPs: pages and filters of lists, etags, request
 * ids, update masks and dates. The readers report each fault by `validate` of `@rondo/rpc/status`.
 *
 * ```ts
 * import { etagOf, readEtag, readRequestKey } from '@rondo/resources';
 *
 * const { changedSince, key } = validate((field) => ({
 *   changedSince: readEtag(field('etag'), request.etag, etaggedOf),
 *   key: readRequestKey(field('request_id'), request.requestId, [request.name]),
 * }));
 * ```
 */

export type { FilterField } from '../filter.js';
export { type List, nextPageToken, readList } from '../list.js';
export { nameField, readName } from '../names.js';
export {
  type Etagged,
  etagOf,
  readDate,
  readEtag,
  readRequestKey,
  readUpdateMask,
  toDateMessage,
} from '../request-fields.js';
export { createStatusMapping, type StatusMapping } from '../status.js';
