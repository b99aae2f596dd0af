export { ascending, columnsOf, descending, pageOf, type Where, whereOf } from '../sql/query.js';
export { type RequestTable, startRequestTrim, trimRequests } from '../sql/request-trim.js';
