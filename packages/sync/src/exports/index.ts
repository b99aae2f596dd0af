/**
 * Change feeds: watches that start with a snapshot and then stream every change once, in order. A change is appended in the
 * transaction that makes it.
 *
 * ```ts
 * import { createPool } from '@rondo/database';
 * import { silentLogger as log } from '@rondo/rpc/call';
 * import { appendChanges, createSync } from '@rondo/sync';
 *
 * const url = 'postgres://books:secret@127.0.0.1:5432/books';
 * const database = createPool({ url });
 * const sync = createSync({ database, url, log }); // its tables: syncSchema
 * await database.transaction(async (transaction) => {
 *   await transaction.query("UPDATE books SET title = 'Emma' WHERE id = 'emma'");
 *   await appendChanges(transaction, [{ topic: 'books', payload: { id: 'emma', title: 'Emma' } }]);
 * });
 * sync.nudge();
 *
 * const { signal } = new AbortController();
 * const snapshot = (transaction: Pick<typeof database, 'query'>) => transaction.query('SELECT id, title FROM books');
 * for await (const event of sync.watch({ topic: 'books', snapshot, signal })) console.log(event);
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
export { syncSchema } from '../schema.js';
export { createSync, type Sync, type SyncOptions } from '../sync.js';
export type { KeyedRows, KeyedSnapshot } from '../watch/snapshot.js';
export type { WatchEvent, WatchFilter, WatchOptions } from '../watch/watch.js';
