export { appendChanges, appendSql, type ChangeSql, type NewChange } from './append.js';
export type { SyncBounds } from './bounds.js';
export type { SyncClock } from './clock.js';
export { InvalidResumeToken, WatchAborted, WatchUnavailable } from './errors.js';
export type { OnSyncEvent, SyncEvent, SyncLog } from './events.js';
export { type PayloadFields, payloadFields } from './payload.js';
export { syncSchema } from './schema.js';
export { createSync, type Sync, type SyncOptions } from './sync.js';
export type { WatchEvent, WatchFilter, WatchOptions } from './watch/watch.js';
