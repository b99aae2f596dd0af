import {
  CommitOutcomeUnknown,
  type Database,
  DatabaseUnavailable,
  LockTimeout,
  type Queries,
  SerializationFailure,
  StatementTimeout,
} from '@rondo/database';
import { currentWorkLimits } from '@rondo/rpc/call';
import { ConcurrentChange, OutcomeUnknown, Unavailable } from '../domain/errors.js';
import type { Stores, Transact } from '../domain/ports.js';

/** Runs statements outside transactions. They end with the call that they serve, and fail with domain errors. */
export function createQueries(database: Queries): Queries {
  return {
    query: (sql, params, options) =>
      inDomainErrors(database.query(sql, params, { ...currentWorkLimits(), ...options })),
    one: (sql, params, options) => inDomainErrors(database.one(sql, params, { ...currentWorkLimits(), ...options })),
    maybeOne: (sql, params, options) =>
      inDomainErrors(database.maybeOne(sql, params, { ...currentWorkLimits(), ...options })),
  };
}

/** How {@link createTransact} makes stores and announces changes. */
interface TransactOptions {
  readonly createStores: (queries: Queries, onAppended: () => void) => Stores;
  /** Called after the commit of a transaction that has appended changes. */
  readonly onAppended: () => void;
}

/** Runs transactions over stores. They end and fail like the statements of {@link createQueries}. */
export function createTransact(database: Database, { createStores, onAppended }: TransactOptions): Transact {
  return async (work) => {
    let appended = false;
    const inTransaction = (transaction: Queries) =>
      work(
        createStores(transaction, () => {
          appended = true;
        }),
      );
    const result = await inDomainErrors(database.transaction(inTransaction, currentWorkLimits()));
    if (appended) onAppended();
    return result;
  };
}

/** Awaits `work` and turns its database errors into domain errors. */
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
  if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout)
    return new Unavailable('the database', error);
  return error;
}
