/**
 * Change feeds: watches that start with a snapshot and then stream every change once, in order. A change is appended in the
 * transaction that makes it.
 *
 * ```ts
 * import { appendChanges, createSync, syncSchema } from '@rondo/sync';
 *
 * const sync = createSync({ database, url, log }); // its tables: syncSchema
 * await database.transaction(async (transaction) => {
 *   await rename(transaction, book);
 *   await appendChanges(transaction, [{ topic: 'books', payload: book }]);
 * });
 * sync.nudge();
 * for await (const event of sync.watch({ topic: 'books', resumeToken, snapshot: allBooks, signal })) send(event);
 * ```
 */

export {
  appendChanges,
  appendSql,
  type NewChange,
  type PayloadFields,
  payloadFields,
} from '../changes.js';
export { InvalidResumeToken, WatchAborted, WatchUnavailable } from '../errors.js';
export type { SyncBounds, SyncEvent } from '../options.js';
export { syncSchema } from '../schema.js';
export { createSync, type Sync, type SyncOptions } from '../sync.js';
export type { KeyedRows, KeyedSnapshot } from '../watch/keyed-snapshot.js';
export type { WatchEvent, WatchFilter, WatchOptions } from '../watch/watch.js';
