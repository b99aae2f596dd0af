import type { Meter } from '@opentelemetry/api';
import { hostUrls } from '@rondo/base';
import { Client, type ClientConfig, Pool, type PoolClient, type PoolConfig } from 'pg';
import { acquire, Generations } from './connection.js';
import { classify, withUnknownOutcome } from './errors.js';
import { type Hosts, hostsOf } from './hosts.js';
import { keepListening } from './keep-listening.js';
import { LockWaiter } from './lock-wait.js';
import { meterPool, type PoolMetrics } from './metrics.js';
import { OutageWaiter } from './outage-wait.js';
import { claiming } from './outcomes.js';
import { checkGid, createPreparedTransactions } from './prepared.js';
import {
  createQueries,
  type Database,
  type QueryOptions,
  type SqlValue,
  type Transaction,
  type TransactionOptions,
} from './sql.js';
import { retryOnConflict, runTransaction, type TransactionContext } from './transaction.js';
import { boundsOf } from './url-bounds.js';

/** The server ends a statement after `statement_timeout`. After this additional time it counts as unavailable. */
const ANSWER_GRACE_MS = 1_000;
/** A server that is gone never confirms the end of a connection. */
const CLOSE_GRACE_MS = 1_000;

/** A statement that writes nothing, unless a function that it calls does. */
const READ = /^\s*(SELECT|SHOW)\b/i;

/** Options of a pool. */
export interface PoolOptions {
  /**
   * `postgres://role:password@host:port/database`, or `…@a:5432,b:5432/database` for a primary and its standby. Its parameters `connect_timeout` (seconds), `statement_timeout`,
   * `lock_timeout` and `idle_in_transaction_session_timeout` (milliseconds) override the options below: `…/database?connect_timeout=10`.
   */
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** Default 10. */
  readonly maxConnections?: number;
  /** Timeout of the wait for a free or a new connection; default 3,000. */
  readonly connectTimeoutMs?: number;
  /** The server ends a longer statement; default 10,000, 0 for no limit. */
  readonly statementTimeoutMs?: number;
  /**
   * How long a call waits for a lock before it fails with `LockTimeout`, or longer, until its `outageWait` is over; by default as long
   * as its statement may run. A wait of more than a twentieth of it (at least 100 ms) goes on without a connection: the statement or transaction is rolled back and
   * runs again, unless its `attempts` are 1. A fifth of the connections serves such repetitions.
   */
  readonly lockTimeoutMs?: number;
  /**
   * How long a transaction may be without a statement before the server rolls it back and ends its connection, so that a frozen
   * process doesn't keep its locks; default 3,000, and a minute if the transaction only reads. Prepared transactions stay.
   */
  readonly idleTransactionTimeoutMs?: number;
  /**
   * How long an aborted statement may go on before it is cancelled; default 50. Most end sooner, and one that is cancelled costs its
   * connection.
   */
  readonly abortGraceMs?: number;
  /** Receives the error of a connection that broke while idle or between statements. No action is needed. */
  readonly onError?: (error: unknown) => void;
  /** Measures statements and connections, as `db.client.*`: the meter of a service's context. */
  readonly meter?: Meter | undefined;
  /** The pool's name in the metrics; by default the name of the database. Each pool of a process needs its own. */
  readonly poolName?: string;
}

/** A statement outside of a transaction. */
interface Statement {
  readonly sql: string;
  readonly params?: readonly SqlValue[];
  readonly options?: QueryOptions;
  /** Timeout of the wait for a connection, in milliseconds; undefined for the pool's own. */
  readonly leftMs?: number | undefined;
}

/**
 * Creates a pool of connections over the `pg` driver. It connects on first use, so it never throws for an unavailable
 * database. A database that stops doesn't crash the process, and the next call reconnects.
 */
export function createPool(given: PoolOptions): Database {
  const options = { ...given, ...boundsOf(given.url) };
  const { statementTimeoutMs = 10_000, maxConnections = 10, lockTimeoutMs = 0 } = options;
  const locks = new LockWaiter(lockTimeoutMs, maxConnections);
  const hosts = hostsOf(given.url);
  const pool = openPool({ ...options, maxConnections }, statementTimeoutMs, { hosts, locks });
  const database = databaseIn(given.url);
  const { meter, poolName: name = database ?? '' } = options;
  const metrics = meter && meterPool(meter, pool, { name, maxConnections });
  return createDatabase({
    ...options,
    pool,
    hosts: hosts.count > 1 ? hosts : undefined,
    locks,
    database,
    metrics,
    listen: (asked) => keepListening({ ...asked, url: given.url }),
    close: () => closePool(pool),
  });
}

/** The name of the database in an address; undefined if there is none. */
function databaseIn(url: string): string | undefined {
  const [first] = hostUrls(url);
  return (URL.canParse(first) && new URL(first).pathname.slice(1)) || undefined;
}

/** Options of a database over a pool that the caller has made. */
export type OverPoolOptions = Pick<PoolOptions, 'abortGraceMs' | 'onError'> & {
  /** A longer statement is cancelled, and its connection closed; default 10,000, 0 for no limit. */
  readonly statementTimeoutMs?: number;
};

/**
 * Like {@link createPool}, over a pool of `pg` that the caller has made and ends itself: `close` leaves it open.
 * Time limits of the server, the number of connections and the wait for one are those of that pool. Rows have the
 * types of {@link Queries}, whatever types its own queries have.
 */
export function overPool(pool: Pick<Pool, 'connect'>, options: OverPoolOptions = {}): Database {
  return createDatabase({ ...options, pool, locks: new LockWaiter(0, 1), close: async () => undefined });
}

interface Source extends OverPoolOptions {
  readonly pool: Pick<Pool, 'connect'>;
  /** If there are several. */
  readonly hosts?: Hosts | undefined;
  readonly locks: LockWaiter;
  readonly database?: string | undefined;
  readonly metrics?: PoolMetrics | undefined;
  readonly listen?: Database['listen'];
  readonly close: () => Promise<void>;
}

function createDatabase({
  pool,
  hosts,
  locks,
  database,
  metrics,
  listen,
  close,
  onError,
  statementTimeoutMs = 10_000,
  abortGraceMs = 50,
}: Source): Database {
  // The driver removes its own listener from a connection in use; an 'error' without a listener ends the process.
  const onFirstUse = (client: PoolClient) => client.on('error', (error) => onError?.(classify(error)));
  const onAnswer = () => outage.noteAnswer();
  const generations = new Generations(onFirstUse);
  const closed = new AbortController();
  const source = { pool, hosts, generations, database, abortGraceMs, metrics, onAnswer, closing: closed.signal };
  const boundMs = (timeoutMs: number): number => (timeoutMs > 0 ? timeoutMs + ANSWER_GRACE_MS : 0);
  const contextOf = (leftMs?: number): TransactionContext => ({
    acquire: (signal) => acquire(source, { signal, timeoutMs: leftMs }),
    boundMs,
    statementTimeoutMs,
    abortGraceMs,
    locks,
  });

  const runOnce = async <Row extends object>({ sql, params = [], options = {}, leftMs }: Statement) => {
    const connection = await acquire(source, { signal: options.signal, timeoutMs: leftMs });
    try {
      const running = connection.run<Row>(sql, params, {
        ...options,
        mayCommit: !READ.test(sql),
        timeoutMs: boundMs(statementTimeoutMs),
      });
      return (await withUnknownOutcome(running)).rows;
    } finally {
      connection.release();
    }
  };
  const check = async (checkOptions: QueryOptions = {}) =>
    void (await runOnce({ sql: 'SELECT 1', options: checkOptions }));
  const outage = new OutageWaiter(check);
  const run = <Row extends object>(sql: string, params: readonly SqlValue[], options: QueryOptions) =>
    outage.run((leftMs) => {
      const once = () => runOnce<Row>({ sql, params, options, leftMs });
      return retryOnConflict(() => locks.run(once, options), { signal: options.signal });
    }, options);

  const queries = createQueries(run);
  let closing: Promise<void> | undefined;
  return {
    ...queries,
    ...createPreparedTransactions(queries),
    transaction: async (work, transactionOptions = {}) => {
      const once = onceOnly(work, transactionOptions);
      return outage.run((leftMs) => runTransaction(contextOf(leftMs), once, transactionOptions), transactionOptions);
    },
    // What may have been prepared isn't prepared again.
    prepare: async (gid, work, { outageWait: _, ...options } = {}) => {
      const once = onceOnly(work, options);
      return outage.run(() => runTransaction({ ...contextOf(), gid: checkGid(gid) }, once, options), options);
    },
    outage,
    listen,
    check,
    close: () => {
      outage.close();
      closed.abort();
      closing ??= close();
      return closing;
    },
  };
}

/** The work, with the claim of the key if it is the effect of a call that has one. */
function onceOnly<T>(
  work: (transaction: Transaction) => Promise<T>,
  { once, readOnly = false }: TransactionOptions,
): (transaction: Transaction) => Promise<T> {
  if (once === undefined || readOnly) return work;
  once.begin();
  return claiming(once, work);
}

/**
 * The silence after which a server is probed, and then each second. Ten probes without an answer end the
 * connection, even during a migration, which has no other bound.
 */
const KEEP_ALIVE_MS = 10_000;
/** How long a connection may be unused. By the driver's 10 s, calls in waves would begin new processes of the server again and again. */
const IDLE_MS = 60_000;

interface PoolParts {
  readonly hosts: Hosts;
  readonly locks: LockWaiter;
}

function openPool(options: PoolOptions, statementTimeoutMs: number, { hosts, locks: { sliceMs } }: PoolParts): Pool {
  const { url, applicationName, maxConnections, connectTimeoutMs = 3_000, idleTransactionTimeoutMs = 3_000 } = options;
  // The driver would take the whole wait from the address.
  const sliced = (one: string) => (sliceMs > 0 ? one.replace(/([?&])lock_timeout=\d+/, '$1') : one);
  const pool = new Pool({
    ...(hosts.count > 1 ? connectionsTo(hosts, sliced) : { connectionString: sliced(url) }),
    application_name: applicationName,
    max: maxConnections,
    pipeline: true, // a transaction's first statement is sent with its BEGIN
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: IDLE_MS,
    statement_timeout: statementTimeoutMs,
    ...(sliceMs > 0 && { lock_timeout: sliceMs }),
    idle_in_transaction_session_timeout: idleTransactionTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  });
  pool.on('error', () => undefined); // the statements of a used connection fail with it
  // The packet that opens a connection may also bring the server's end, before the connection has a user.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Each connection is made to the host that is tried next, and is used if its server suits. */
function connectionsTo(hosts: Hosts, sliced: (url: string) => string): Pick<PoolConfig, 'Client' | 'onConnect'> {
  return {
    Client: class extends Client {
      constructor(config: ClientConfig = {}) {
        super({ ...config, connectionString: sliced(hosts.url), connectionTimeoutMillis: hosts.timeoutMs });
      }
    },
    onConnect: (client) => (client instanceof Client ? hosts.check(client) : undefined),
  };
}

/** The driver's `end` doesn't wait for the sockets, but a caller may drop the database or stop the server next. */
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
