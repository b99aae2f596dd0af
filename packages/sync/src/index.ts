export { appendChanges, appendSql, type ChangeSql, type NewChange, type PayloadFields, payloadFields } from './changes.js';
export type { SyncBounds, SyncClock, OnSyncEvent, SyncEvent, SyncLog } from './options.js';
export { InvalidResumeToken, WatchAborted, WatchUnavailable } from './errors.js';
export { syncSchema } from './schema.js';
export { createSync, type Sync, type SyncOptions } from './sync.js';
export type { WatchEvent, WatchFilter, WatchOptions } from './watch/watch.js';
