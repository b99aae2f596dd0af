import {
  createShare,
  type Database,
  eventLoopPace,
  LockTimeout,
  type Queries,
  type QueryOptions,
  SerializationFailure,
  TooManyCalls,
  type Transaction,
} from '@rondo/database';
import { currentWorkLimits } from '@rondo/rpc/call';
import { ConcurrentChange } from '../domain/errors.js';
import { resourceErrors } from '../errors.js';

/** The database for stores. A statement ends with the call that it serves, and fails with the error for callers. */
export interface StoreDatabase extends Queries {
  /** Runs `work` in one transaction at `read committed`. It may run again after a conflict. */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** For reads of many rows, such as lists. They have at most four connections at once. */
  readonly reads: Queries;
  /**
   * Runs `work`, which only reads, in one transaction at `repeatable read`: all its statements see the same snapshot. It has one
   * of the connections of `reads`.
   */
  inSnapshot<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/** Reads of many rows leave most of a pool's connections, and half of the event loop, to other calls. Each takes a few milliseconds. */
const READS = { maxConnections: 4, maxWaiting: 100, rounds: 3, pace: eventLoopPace };

/**
 * Creates the database for stores, over a pool.
 *
 * @param onWritten is called after each transaction that may have written.
 */
export function createStoreDatabase(database: Database, onWritten = (): void => undefined): StoreDatabase {
  const share = createShare(database, READS);
  return {
    ...withinCalls(database, () => eventLoopPace.noteOtherWork()),
    reads: withinCalls(share),
    transaction(work) {
      eventLoopPace.noteOtherWork();
      return inStoreErrors(database.transaction(work, currentWorkLimits())).finally(onWritten);
    },
    inSnapshot: (work) =>
      inStoreErrors(share.transaction(work, { ...currentWorkLimits(), isolation: 'repeatable read', readOnly: true })),
  };
}

/** The queries, each within the limits of the call that it serves. */
function withinCalls(queries: Queries, onQuery = (): void => undefined): Queries {
  const limited = (options: QueryOptions | undefined): QueryOptions => {
    onQuery();
    return { ...currentWorkLimits(), ...options };
  };
  return {
    query: (sql, params, options) => inStoreErrors(queries.query(sql, params, limited(options))),
    one: (sql, params, options) => inStoreErrors(queries.one(sql, params, limited(options))),
    maybeOne: (sql, params, options) => inStoreErrors(queries.maybeOne(sql, params, limited(options))),
  };
}

async function inStoreErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toStoreError(error);
  }
}

/** The error that callers get for a database error, by the kind of their call. The server says the rest, such as that the database is away. */
export function toStoreError(error: unknown): unknown {
  if (error instanceof SerializationFailure || error instanceof LockTimeout) return new ConcurrentChange(error);
  if (error instanceof TooManyCalls) return resourceErrors.TOO_MANY_READS({ cause: error });
  return error;
}
