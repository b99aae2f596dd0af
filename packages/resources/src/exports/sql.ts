/** SQL for the requests that `@rondo/resources` reads: a page of a list, and its filter. */

export { ascending, columnsOf, descending, inParts, pageOf, whereOf } from '../sql/query.js';
export { createStoreDatabase, type StoreDatabase, toStoreError, toWatchError } from '../sql/store-database.js';
