/**
 * PostgreSQL for services: a pool that bounds every wait, queries and transactions, errors by what a caller can do about them, and
 * migrations.
 *
 * ```ts
 * import { createPool } from '@rondo/database';
 * import { currentWorkLimits } from '@rondo/rpc/call';
 *
 * const database = createPool({ url: 'postgres://books:secret@127.0.0.1:5432/books' });
 * const sql = 'SELECT title FROM books WHERE id = $1';
 * const { title } = await database.one<{ title: string }>(sql, ['emma'], currentWorkLimits());
 * await database.transaction(async (transaction) => {
 *   await transaction.query('UPDATE books SET title = $2 WHERE id = $1', ['emma', `${title} (1815)`]); // may throw a UniqueViolation
 * }, currentWorkLimits());
 * ```
 */

export {
  CheckViolation,
  CommitOutcomeUnknown,
  DatabaseUnavailable,
  ForeignKeyViolation,
  LockTimeout,
  SerializationFailure,
  StatementTimeout,
  sqlStateOf,
  TooManyCalls,
  UniqueViolation,
} from '../errors.js';
export { FairSemaphore } from '../fair-semaphore.js';
export { keepListening } from '../keep-listening.js';
export { meterTables, observeRow } from '../metrics.js';
export { migrate } from '../migrate.js';
export type { SchemaPart } from '../migration.js';
export {
  createOutcomeStore,
  outcomeParams,
  outcomeSql,
  outcomesSchema,
  type PostgresOutcomes,
} from '../outcomes.js';
export { eventLoopPace, isShort } from '../pace.js';
export { createPool, overPool, type PoolOptions } from '../pool.js';
export { requirePreparedTransactions } from '../prepared.js';
export { provision } from '../provision.js';
export { createReadiness, describeUrl, type Readiness } from '../readiness.js';
export { replicationFaults } from '../replication.js';
export { createShare } from '../share.js';
export type { Database, OperatorAudit, PartDatabase, Queries, QueryOptions, SqlValue, Transaction } from '../sql.js';
