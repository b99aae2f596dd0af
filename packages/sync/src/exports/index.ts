export {
  appendChanges,
  appendSql,
  type ChangeSql,
  type NewChange,
  type PayloadFields,
  payloadFields,
} from '../changes.js';
export { InvalidResumeToken, WatchAborted, WatchUnavailable } from '../errors.js';
export type { OnSyncEvent, SyncBounds, SyncClock, SyncEvent, SyncLog } from '../options.js';
export { syncSchema } from '../schema.js';
export { createSync, type Sync, type SyncOptions } from '../sync.js';
export type { WatchEvent, WatchFilter, WatchOptions } from '../watch/watch.js';
