/** What a page of a service is made with: typed calls by Connect, live lists, and the pieces that it shares with the console. */
export { ConnectionLine } from '../page/connection-line.js';
export { ConflictDialog, type ConflictState, Dialog } from '../page/dialog.js';
export { CallFault, textOf } from '../page/fault.js';
export { type Feed, type FeedEvent, useFeed, type Watched } from '../page/feed.js';
export { Choice, Field, Form } from '../page/form.js';
export { showPage } from '../page/frame.js';
export type { Json } from '../page/json.js';
export { LiveTable } from '../page/live-table.js';
export { type PageService, type ServiceTypes, serviceOf } from '../page/service.js';
