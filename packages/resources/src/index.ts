export type { FilterField } from './filter.js';
export { type List, nextPageToken, readList } from './list.js';
export { nameField, readName } from './names.js';
export {
  type Etagged,
  etagOf,
  readDate,
  readEtag,
  readRequestKey,
  readUpdateMask,
  toDateMessage,
  type Updatable,
} from './request-fields.js';
export { createStatusMapping, type StatusMapping } from './status.js';
