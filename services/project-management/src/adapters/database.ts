import {
  type Database,
  DatabaseUnavailable,
  type Queries,
  SerializationFailure,
  StatementTimeout,
  type Transaction,
} from '@rondo/database';
import { currentScope } from '@rondo/rpc/call';
import { ConcurrentChange, StoreUnavailable } from '../domain/errors.js';

/** The database as the stores see it: a statement ends with the call it serves, and fails in the domain's words. */
export interface StoreDatabase extends Queries {
  /** In one transaction at `read committed`; `work` may run again. */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** In one transaction whose every statement sees the same moment. */
  atOneMoment<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/** Puts a pool at the stores' service. */
export function createStoreDatabase(database: Database): StoreDatabase {
  return {
    query: (sql, params, options) => inDomainWords(database.query(sql, params, { ...ofCall(), ...options })),
    one: (sql, params, options) => inDomainWords(database.one(sql, params, { ...ofCall(), ...options })),
    maybeOne: (sql, params, options) => inDomainWords(database.maybeOne(sql, params, { ...ofCall(), ...options })),
    transaction: (work) => inDomainWords(database.transaction(work, ofCall())),
    atOneMoment: (work) => inDomainWords(database.transaction(work, { ...ofCall(), isolation: 'repeatable read' })),
  };
}

/** When the caller leaves, or its deadline passes, nothing has to be waited for any more. */
function ofCall(): { readonly signal: AbortSignal | undefined } {
  return { signal: currentScope()?.signal };
}

async function inDomainWords<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout) throw new StoreUnavailable(error);
    if (error instanceof SerializationFailure) throw new ConcurrentChange(error);
    throw error;
  }
}
