/** SQL for the requests that `@rondo/resources` reads: a page of a list, and its filter. */

export { describeTable, missingIn } from '../resource/require-tables.js';
export { listPage } from '../sql/list-page.js';
export type { Listing } from '../sql/listing.js';
export { keyedRows } from '../sql/message-size.js';
export { createStoreDatabase, type StoreDatabase, toStoreError } from '../sql/store-database.js';
