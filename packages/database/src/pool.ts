import { Pool } from 'pg';
import { classify, withUnknownOutcome } from './errors.js';
import { acquire, Generations } from './lease.js';
import { OutageWait } from './outage-wait.js';
import { checkGid, createPreparedTransactions } from './prepared.js';
import { createQueries, type Database, type QueryOptions, type SqlValue } from './sql.js';
import { retryOnConflict, runTransaction, type TransactionContext } from './transaction.js';
import { createTypes } from './types.js';
import { boundsOf } from './url-bounds.js';

/** The server ends a statement at `statement_timeout`; past that and this grace it is taken for dead. */
const ANSWER_GRACE_MS = 1_000;
/** A server that is gone never confirms the end of a connection. */
const CLOSE_GRACE_MS = 1_000;

/** How a pool connects. */
export interface PoolOptions {
  /**
   * `postgres://role:password@host:port/database`. What it says of `connect_timeout` (seconds), `statement_timeout` or
   * `lock_timeout` (milliseconds) takes the place of the bounds below: `…/database?connect_timeout=10`.
   */
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** Default 10. */
  readonly maxConnections?: number;
  /** Bounds the wait for a free connection and for a new one; default 3,000. */
  readonly connectTimeoutMs?: number;
  /** The server ends a longer statement; default 10,000, 0 is none. */
  readonly statementTimeoutMs?: number;
  /**
   * How long a statement waits for a lock before it fails as `LockTimeout`; by default as long as it may run. Where
   * transactions are prepared, one that stays in doubt keeps its locks: whoever waits for them keeps a connection.
   */
  readonly lockTimeoutMs?: number;
  /** Told of a connection that broke while idle or between statements; nothing else has to be done about it. */
  readonly onError?: (error: unknown) => void;
}

/** A statement outside of any transaction. */
interface Statement {
  readonly sql: string;
  readonly params?: readonly SqlValue[];
  readonly options?: QueryOptions;
  /** How long it may wait for a connection; undefined for the pool's own bound. Milliseconds. */
  readonly leftMs?: number | undefined;
}

/**
 * A pool of connections over the `pg` driver. Connects on first use, so it never throws for a database that is away;
 * a database that stops never brings the process down, and the next call connects anew.
 */
export function createPool(given: PoolOptions): Database {
  const options = { ...given, ...boundsOf(given.url) };
  const { statementTimeoutMs = 10_000 } = options;
  const pool = openPool(options, statementTimeoutMs);
  const leasing = { pool, generations: new Generations() };
  pool.on('connect', (client) => leasing.generations.add(client));
  const boundMs = (timeoutMs: number): number => (timeoutMs > 0 ? timeoutMs + ANSWER_GRACE_MS : 0);
  const contextOf = (leftMs?: number): TransactionContext => ({
    acquire: (signal) => acquire(leasing, { signal, timeoutMs: leftMs }),
    boundMs,
    statementTimeoutMs,
  });

  const runOnce = async <Row extends object>({ sql, params = [], options = {}, leftMs }: Statement) => {
    const lease = await acquire(leasing, { signal: options.signal, timeoutMs: leftMs });
    try {
      const running = lease.run<Row>(sql, params, { ...options, timeoutMs: boundMs(statementTimeoutMs) });
      return (await withUnknownOutcome(running)).rows;
    } finally {
      lease.release();
    }
  };
  const check = async (checkOptions: QueryOptions = {}) =>
    void (await runOnce({ sql: 'SELECT 1', options: checkOptions }));
  const outage = new OutageWait(() =>
    check().then(
      () => true,
      () => false, // whoever waits learns of it soon enough
    ),
  );
  const run = <Row extends object>(sql: string, params: readonly SqlValue[], options: QueryOptions) =>
    outage.run(
      (leftMs) => retryOnConflict(() => runOnce<Row>({ sql, params, options, leftMs }), { signal: options.signal }),
      options,
    );

  const queries = createQueries(run);
  let closing: Promise<void> | undefined;
  return {
    ...queries,
    ...createPreparedTransactions(queries),
    transaction: (work, transactionOptions = {}) =>
      outage.run((leftMs) => runTransaction(contextOf(leftMs), work, transactionOptions), transactionOptions),
    prepare: async (gid, work, transactionOptions = {}) =>
      runTransaction({ ...contextOf(), gid: checkGid(gid) }, work, transactionOptions),
    check,
    close: () => {
      outage.close();
      closing ??= closePool(pool);
      return closing;
    },
  };
}

function openPool(options: PoolOptions, statementTimeoutMs: number): Pool {
  const { url, applicationName, maxConnections = 10, connectTimeoutMs = 3_000, lockTimeoutMs, onError } = options;
  const pool = new Pool({
    connectionString: url,
    application_name: applicationName,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    ...(lockTimeoutMs !== undefined && { lock_timeout: lockTimeoutMs }),
    keepAlive: true,
    types: createTypes(),
  });
  // The driver takes its own listener off a connection that is in use; an 'error' without one ends the process.
  pool.on('connect', (client) => client.on('error', (error) => onError?.(classify(error))));
  pool.on('error', () => undefined); // the same errors again, of idle connections
  return pool;
}

/** The driver's `end` doesn't wait for the sockets, and a caller may want to drop the database or stop the server. */
async function closePool(pool: Pool): Promise<void> {
  let open = pool.totalCount;
  const closed = new Promise<void>((resolve) => {
    if (open === 0) resolve();
    pool.on('remove', () => {
      open -= 1;
      if (open === 0) resolve();
    });
  });
  await pool.end();
  let timer: NodeJS.Timeout | undefined;
  const grace = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_GRACE_MS);
  });
  await Promise.race([closed, grace]).finally(() => clearTimeout(timer));
}
