export { readDate, toDateMessage, type ChangedSince, type Etagged, etagOf, readEtag, type RequestKey, readRequestKey, readUpdateMask, type Updatable } from './request-fields.js';
export type { FilterField } from './filter.js';
export { type List, nextPageToken, readList } from './list.js';
