export { ascending, columnsOf, descending, pageOf, type Where, whereOf } from './query.js';
export { type RequestTable, startRequestTrim, trimRequests } from './request-trim.js';
