import {
  CommitOutcomeUnknown,
  type Database,
  DatabaseUnavailable,
  LockTimeout,
  type Queries,
  SerializationFailure,
  StatementTimeout,
  type Transaction,
} from '@rondo/database';
import { currentWorkLimits } from '@rondo/rpc/call';
import { ConcurrentChange, OutcomeUnknown, StoreUnavailable } from '../domain/errors.js';

/** The database for stores. A statement ends with the call that it serves, and fails with domain errors. */
export interface StoreDatabase extends Queries {
  /** Runs `work` in one transaction at `read committed`. It may run again after a conflict. */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** Runs `work` in one transaction at `repeatable read`: all its statements see the same snapshot. */
  inSnapshot<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/**
 * The database for stores over a pool.
 *
 * @param onWritten is called after each transaction that may have appended changes.
 */
export function createStoreDatabase(database: Database, onWritten: () => void): StoreDatabase {
  return {
    query: (sql, params, options) =>
      inDomainErrors(database.query(sql, params, { ...currentWorkLimits(), ...options })),
    one: (sql, params, options) => inDomainErrors(database.one(sql, params, { ...currentWorkLimits(), ...options })),
    maybeOne: (sql, params, options) =>
      inDomainErrors(database.maybeOne(sql, params, { ...currentWorkLimits(), ...options })),
    transaction: (work) => inDomainErrors(database.transaction(work, currentWorkLimits())).finally(onWritten),
    inSnapshot: (work) =>
      inDomainErrors(database.transaction(work, { ...currentWorkLimits(), isolation: 'repeatable read' })),
  };
}

async function inDomainErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CommitOutcomeUnknown) throw new OutcomeUnknown(error);
    if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout) throw new StoreUnavailable(error);
    if (error instanceof SerializationFailure || error instanceof LockTimeout) throw new ConcurrentChange(error);
    throw error;
  }
}
