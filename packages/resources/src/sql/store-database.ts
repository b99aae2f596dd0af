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
import { InvalidResumeToken, WatchAborted, WatchUnavailable } from '@rondo/sync';
import {
  ConcurrentChange,
  ForeignResumeToken,
  OutcomeUnknown,
  StoreUnavailable,
  WatcherTooSlow,
  WatchInterrupted,
} from '../domain/errors.js';

/** The database for stores. A statement ends with the call that it serves, and fails with domain errors. */
export interface StoreDatabase extends Queries {
  /** Runs `work` in one transaction at `read committed`. It may run again after a conflict. */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** Runs `work`, which only reads, in one transaction at `repeatable read`: all its statements see the same snapshot. */
  inSnapshot<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/**
 * The database for stores over a pool.
 *
 * @param onWritten is called after each transaction that may have written.
 */
export function createStoreDatabase(database: Database, onWritten = (): void => undefined): StoreDatabase {
  return {
    query: (sql, params, options) =>
      inDomainErrors(database.query(sql, params, { ...currentWorkLimits(), ...options })),
    one: (sql, params, options) => inDomainErrors(database.one(sql, params, { ...currentWorkLimits(), ...options })),
    maybeOne: (sql, params, options) =>
      inDomainErrors(database.maybeOne(sql, params, { ...currentWorkLimits(), ...options })),
    transaction: (work) => inDomainErrors(database.transaction(work, currentWorkLimits())).finally(onWritten),
    inSnapshot: (work) =>
      inDomainErrors(
        database.transaction(work, { ...currentWorkLimits(), isolation: 'repeatable read', readOnly: true }),
      ),
  };
}

async function inDomainErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toStoreError(error);
  }
}

/** The domain error of a database error. Returns any other error as it is. */
export function toStoreError(error: unknown): unknown {
  if (error instanceof SerializationFailure || error instanceof LockTimeout) return new ConcurrentChange(error);
  if (error instanceof CommitOutcomeUnknown) return new OutcomeUnknown(error);
  if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout) return new StoreUnavailable(error);
  return error;
}

/**
 * The domain error of an error of a watch. Returns any other error as it is.
 *
 * @param watched what the watch is of, such as `the same orders`.
 */
export function toWatchError(error: unknown, watched: string): unknown {
  if (error instanceof InvalidResumeToken) return new ForeignResumeToken(watched);
  if (error instanceof WatchAborted) return new WatcherTooSlow(error);
  return error instanceof WatchUnavailable ? new WatchInterrupted(error) : error;
}
