export {
  CheckViolation,
  ConstraintViolation,
  DatabaseError,
  DatabaseUnavailable,
  ForeignKeyViolation,
  SerializationFailure,
  StatementTimeout,
  sqlStateOf,
  UnexpectedRowCount,
  UniqueViolation,
} from './errors.js';
export { type MigrateOptions, migrate } from './migrate.js';
export { type Migration, MigrationError } from './migration.js';
export { createPool, type PoolOptions } from './pool.js';
export { type ProvisionedDatabase, type ProvisionOptions, provision } from './provision.js';
export { createReadinessCheck, type ReadinessOptions } from './readiness.js';
export type {
  Database,
  Isolation,
  Queries,
  QueryOptions,
  SqlValue,
  Transaction,
  TransactionOptions,
} from './sql.js';
export { describeUrl, type WaitOptions, waitForDatabase } from './wait.js';
