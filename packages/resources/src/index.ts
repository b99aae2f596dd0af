export { readDate, toDateMessage } from './calendar-date.js';
export { type ChangedSince, type Etagged, etagOf, readEtag } from './etag.js';
export type { FilterField } from './filter.js';
export { type List, nextPageToken, readList } from './list.js';
export { type RequestKey, readRequestKey } from './request-key.js';
export { readUpdateMask, type Updatable } from './update-mask.js';
