/** SQL for the requests that `@rondo/resources` reads: a page of a list, and its filter. */

export { messageBytes } from '../resource/listing-of.js';
export { listPage } from '../sql/list-page.js';
export type { Listing } from '../sql/listing.js';
export { cutBySize } from '../sql/message-size.js';
export { inParts } from '../sql/query.js';
export { createStoreDatabase, type StoreDatabase, toStoreError, toWatchError } from '../sql/store-database.js';
