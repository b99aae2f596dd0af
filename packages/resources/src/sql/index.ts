export { ascending, columnsOf, descending, inParts, pageOf, type Where, whereOf } from './query.js';
export { type RequestTable, startRequestTrim, trimRequests } from './request-trim.js';
export { createStoreDatabase, type StoreDatabase, toStoreError, toWatchError } from './store-database.js';
