import type { Database, Queries } from '@rondo/database';
import { currentScope } from '@rondo/rpc/call';
import type { Stores, Transact } from '../domain/ports.js';
import { storing } from './store-errors.js';

/** Statements outside transactions: they end with the call that they serve, and fail in the domain's words. */
export function createQueries(database: Queries): Queries {
  return {
    query: (sql, params, options) => storing(database.query(sql, params, { ...ofCall(), ...options })),
    one: (sql, params, options) => storing(database.one(sql, params, { ...ofCall(), ...options })),
    maybeOne: (sql, params, options) => storing(database.maybeOne(sql, params, { ...ofCall(), ...options })),
  };
}

/** Transactions over the stores that `createStores` makes; they end and fail as {@link createQueries}' statements do. */
export function createTransact(database: Database, createStores: (queries: Queries) => Stores): Transact {
  return (work) => storing(database.transaction((transaction) => work(createStores(transaction)), ofCall()));
}

/** When the caller leaves, or its deadline passes, nothing has to be waited for any more. */
function ofCall(): { readonly signal: AbortSignal | undefined } {
  return { signal: currentScope()?.signal };
}
