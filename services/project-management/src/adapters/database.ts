import {
  type Database,
  DatabaseUnavailable,
  OutcomeUnknown as InDoubt,
  LockTimeout,
  type Queries,
  SerializationFailure,
  StatementTimeout,
  type Transaction,
} from '@rondo/database';
import { currentBounds } from '@rondo/rpc/call';
import { ConcurrentChange, OutcomeUnknown, StoreUnavailable } from '../domain/errors.js';

/** The database as the stores see it: a statement ends with the call it serves, and fails in the domain's words. */
export interface StoreDatabase extends Queries {
  /** In one transaction at `read committed`; `work` may run again. */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** In one transaction whose every statement sees the same moment. */
  atOneMoment<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/** Puts a pool at the stores' service; `onWritten` is told of each end of a transaction, in which there may be changes. */
export function createStoreDatabase(database: Database, onWritten: () => void): StoreDatabase {
  return {
    query: (sql, params, options) => inDomainWords(database.query(sql, params, { ...currentBounds(), ...options })),
    one: (sql, params, options) => inDomainWords(database.one(sql, params, { ...currentBounds(), ...options })),
    maybeOne: (sql, params, options) =>
      inDomainWords(database.maybeOne(sql, params, { ...currentBounds(), ...options })),
    transaction: (work) => inDomainWords(database.transaction(work, currentBounds())).finally(onWritten),
    atOneMoment: (work) =>
      inDomainWords(database.transaction(work, { ...currentBounds(), isolation: 'repeatable read' })),
  };
}

async function inDomainWords<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof InDoubt) throw new OutcomeUnknown(error);
    if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout) throw new StoreUnavailable(error);
    if (error instanceof SerializationFailure || error instanceof LockTimeout) throw new ConcurrentChange(error);
    throw error;
  }
}
