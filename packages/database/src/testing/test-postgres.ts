import { randomInt } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startEmbeddedPostgres } from '../embedded/start.js';
import { copyEmptyCluster } from '../embedded/template.js';
import { createPool } from '../pool.js';
import type { Queries } from '../sql.js';

const OPEN_TO_THE_SERVER = 0o755;
/** Only a hang takes so long. */
const TIMEOUT_S = 300;
const TIMEOUTS = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];
const BOUNDS = [`connect_timeout=${TIMEOUT_S}`, ...TIMEOUTS.map((name) => `${name}=${TIMEOUT_S}000`)].join('&');

/** A temporary server. */
export interface TestPostgres {
  /** The superuser's address. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /**
   * Creates an empty database and resolves to the superuser's address of it. The address limits every wait to five
   * minutes, overriding a pool's own timeouts; {@link withoutBounds} removes these limits.
   */
  createDatabase(): Promise<string>;
  /** Stops the server and removes its data. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL server with empty data on a free port for one test file, in about a second. It always ends with
 * the test's process, but only `stop` removes its data.
 */
export async function startTestPostgres(): Promise<TestPostgres> {
  const directory = mkdtempSync(join(tmpdir(), 'rondo-test-postgres-'));
  chmodSync(directory, OPEN_TO_THE_SERVER); // as root the server is another user
  await copyEmptyCluster(directory);
  // The data need not survive a power failure.
  const settings = { fsync: false, synchronous_commit: false, full_page_writes: false };
  const server = await startEmbeddedPostgres({ directory, port: await freePort(), settings });
  const stop = async (): Promise<void> => {
    process.kill(server.pid, 'SIGQUIT'); // "immediate": its data is removed, so it writes no checkpoint
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  let stopping: Promise<void> | undefined;
  let databases = 0;
  return {
    url: server.url,
    port: server.port,
    pid: server.pid,
    createDatabase: async () => {
      databases += 1;
      const pathname = `test_${databases}`;
      const bounded = (path: string) => Object.assign(new URL(server.url), { pathname: path, search: BOUNDS }).href;
      const admin = createPool({ url: bounded('postgres'), maxConnections: 1 });
      await admin.query(`CREATE DATABASE ${pathname} TEMPLATE template0`).finally(() => admin.close());
      return bounded(pathname);
    },
    // A test may have stopped it already.
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Whether libfaketime shifts the clock. Then PostgreSQL's timers for statements, locks and deadlocks don't fire. */
export const clockIsShifted = process.env['FAKETIME'] !== undefined;

/** A database's address without the limits of tests, for a test of a pool's own timeouts. */
export function withoutBounds(url: string): string {
  return Object.assign(new URL(url), { search: '' }).href;
}

/**
 * Below the ports that operating systems give to outgoing connections, one of which could take the port before its server,
 * and above those of packages/harness.
 */
const FIRST_PORT = 28_200;
/** Each worker of Jest has as many for itself, and takes one after the other. */
const PORTS_A_WORKER = 250;
const WORKERS = 16;
const ownFirst = FIRST_PORT + (Number(process.env['JEST_WORKER_ID'] ?? 0) % WORKERS) * PORTS_A_WORKER;
// Tests of another clone may run at the same time.
let taken = randomInt(PORTS_A_WORKER);

/** A port of 127.0.0.1 that no process listens on at the moment, and that was not given to another test. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_A_WORKER; tries += 1) {
    taken += 1;
    const port = ownFirst + (taken % PORTS_A_WORKER);
    if (await isFree(port)) return port;
  }
  throw new Error(`all ports from ${ownFirst} to ${ownFirst + PORTS_A_WORKER - 1} are in use`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port }, () => probe.close(() => resolve(true)));
  });
}

const POLL_MS = 10;
const TIMEOUT_MS = TIMEOUT_S * 1_000;

/** Resolves as soon as `condition` holds. After five minutes it rejects with an error that names `what`. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + TIMEOUT_MS;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${TIMEOUT_MS} ms: ${what}`);
    await pause(POLL_MS);
  }
}

/** How many statements of the queried database wait for a lock. */
export async function waitingForLocks(database: Pick<Queries, 'one'>): Promise<number> {
  const sql = `SELECT count(*)::int AS waiting FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database()`;
  return (await database.one<{ waiting: number }>(sql)).waiting;
}
