export { type BackoffBounds, backoffMs } from '../backoff.js';
export {
  CheckViolation,
  ConstraintViolation,
  DatabaseError,
  DatabaseUnavailable,
  ForeignKeyViolation,
  LockTimeout,
  OutcomeUnknown,
  SerializationFailure,
  StatementTimeout,
  sqlStateOf,
  UnexpectedRowCount,
  UniqueViolation,
} from '../errors.js';
export { type Listening, type ListenOptions, listen } from '../listen.js';
export { type MigrateOptions, migrate } from '../migrate.js';
export { type Migration, MigrationError, type SchemaPart } from '../migration.js';
export type { Patience } from '../outage-wait.js';
export { createPool, type PoolOptions } from '../pool.js';
export { type PreparedTransaction, requirePreparedTransactions } from '../prepared.js';
export { type ProvisionedDatabase, type ProvisionOptions, provision } from '../provision.js';
export {
  createReadinessCheck,
  describeUrl,
  type ReadinessOptions,
  type WaitOptions,
  waitForDatabase,
} from '../readiness.js';
export type {
  Database,
  Isolation,
  Queries,
  QueryOptions,
  SqlValue,
  Transaction,
  TransactionOptions,
} from '../sql.js';
