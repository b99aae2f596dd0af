import { FairSemaphore, type RunOptions } from './fair-semaphore.js';
import { isShort, type Pace } from './pace.js';
import {
  createQueries,
  type Database,
  type Queries,
  type QueryOptions,
  type SqlValue,
  type TransactionOptions,
} from './sql.js';

/** The bounds of a share. */
export interface ShareOptions {
  /** The most connections that its calls have at once. */
  readonly maxConnections: number;
  /** The most calls that wait until others of the share have ended. */
  readonly maxWaiting: number;
  /** Timeout of that wait, in milliseconds; default 3,000. */
  readonly waitTimeoutMs?: number;
  /** The number of event loop rounds for each call that begins, for calls with large results; by default calls begin at any time. */
  readonly rounds?: number;
  /** The pace of its calls; by default none. See {@link FairSemaphore}. */
  readonly pace?: Pace;
}

/** A part of a pool's connections. */
export type DatabaseShare = Queries & Pick<Database, 'transaction' | 'prepare'>;

/**
 * Creates a share of a pool: its calls use the pool's connections, up to a number at once. Calls that take long, or wait for locks,
 * thus leave the other connections free. Callers take turns, by the `caller` of the options: a caller with few calls goes before
 * one that calls all the time. If no place is free to wait, the caller with the most places loses one.
 *
 * @throws TooManyCalls from a call for which there is no room, or that waits too long.
 */
export function createShare(database: Database, options: ShareOptions): DatabaseShare {
  const { maxConnections, waitTimeoutMs = 3_000, ...bounds } = options;
  const semaphore = new FairSemaphore({ maxRunning: maxConnections, waitTimeoutMs, ...bounds });
  // A call that waits for the database has no turn meanwhile.
  const run = <T>(given: RunOptions<T> & TransactionOptions, work: (options: TransactionOptions) => Promise<T>) => {
    const { outageWait: _, ...options } = given;
    return database.outage.run(() => semaphore.run(() => work(options), given), given);
  };
  return {
    ...createQueries(<Row extends object>(sql: string, params: readonly SqlValue[], given: QueryOptions) =>
      run({ ...given, isShort }, (options) => database.query<Row>(sql, params, options)),
    ),
    transaction: (work, given = {}) => run(given, (options) => database.transaction(work, options)),
    // What may have been prepared isn't prepared again.
    prepare: (gid, work, { outageWait: _, ...given } = {}) =>
      run(given, (options) => database.prepare(gid, work, options)),
  };
}
