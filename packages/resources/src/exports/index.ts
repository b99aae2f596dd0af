export type { FilterField } from '../filter.js';
export { type List, nextPageToken, readList } from '../list.js';
export {
  type ChangedSince,
  type Etagged,
  etagOf,
  type RequestKey,
  readDate,
  readEtag,
  readRequestKey,
  readUpdateMask,
  toDateMessage,
  type Updatable,
} from '../request-fields.js';
