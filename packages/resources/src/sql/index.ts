export { columnsOf } from './columns.js';
export { ascending, descending, pageOf } from './page.js';
export { type RequestTable, startRequestTrim, trimRequests } from './request-trim.js';
export { type Where, whereOf } from './where.js';
