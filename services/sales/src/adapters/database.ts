import { type Database, type Queries, DatabaseUnavailable, OutcomeUnknown as InDoubt, LockTimeout, SerializationFailure, StatementTimeout } from '@rondo/database';
import { currentBounds } from '@rondo/rpc/call';
import type { Stores, Transact } from '../domain/ports.js';
import { ConcurrentChange, OutcomeUnknown, Unavailable } from '../domain/errors.js';

/** Statements outside transactions: they end with the call that they serve, and fail in the domain's words. */
export function createQueries(database: Queries): Queries {
  return {
    query: (sql, params, options) => storing(database.query(sql, params, { ...currentBounds(), ...options })),
    one: (sql, params, options) => storing(database.one(sql, params, { ...currentBounds(), ...options })),
    maybeOne: (sql, params, options) => storing(database.maybeOne(sql, params, { ...currentBounds(), ...options })),
  };
}

/** What a transaction's stores are made of, and who is told after its commit that changes were appended. */
interface TransactOptions {
  readonly createStores: (queries: Queries, onAppended: () => void) => Stores;
  readonly onAppended: () => void;
}

/** Transactions over stores; they end and fail as {@link createQueries}' statements do. */
export function createTransact(database: Database, { createStores, onAppended }: TransactOptions): Transact {
  return async (work) => {
    let appended = false;
    const inTransaction = (transaction: Queries) =>
      work(
        createStores(transaction, () => {
          appended = true;
        }),
      );
    const result = await storing(database.transaction(inTransaction, currentBounds()));
    if (appended) onAppended();
    return result;
  };
}

/** `work`, its failures in the domain's words: what the database says of itself never leaves the adapters. */
async function storing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toStoreError(error);
  }
}

/** What the database failed with, in the domain's words; anything else as it is. */
export function toStoreError(error: unknown): unknown {
  if (error instanceof SerializationFailure || error instanceof LockTimeout) return new ConcurrentChange(error);
  if (error instanceof InDoubt) return new OutcomeUnknown(error);
  if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout)
    return new Unavailable('the database', error);
  return error;
}
