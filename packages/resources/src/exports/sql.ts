/** SQL for the requests that `@rondo/resources` reads: a page of a list, its filter, and the table of request ids. */

export { ascending, columnsOf, descending, inParts, pageOf, whereOf } from '../sql/query.js';
export { type RequestTable, startRequestTrim, trimRequests } from '../sql/request-trim.js';
export { createStoreDatabase, type StoreDatabase, toStoreError, toWatchError } from '../sql/store-database.js';
