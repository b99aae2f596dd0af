import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startEmbeddedPostgres } from '../embedded/index.js';
import { createPool } from '../pool.js';

const OPEN_TO_THE_SERVER = 0o755;
/** A bound on what hangs: on a busy machine many that want the same each wait for all before them. */
const PATIENCE_S = 60;
const PATIENT = `connect_timeout=${PATIENCE_S}&statement_timeout=${PATIENCE_S}000&lock_timeout=${PATIENCE_S}000`;

/** A throw-away server. */
export interface TestPostgres {
  /** The superuser's address. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /**
   * Makes an empty database and resolves to the superuser's address of it. It bounds every wait by a minute, whatever a
   * pool's own bounds are: {@link withoutBounds} leaves those.
   */
  createDatabase(): Promise<string>;
  /** Stops the server and removes its data. */
  stop(): Promise<void>;
}

/**
 * Starts a real PostgreSQL on a free port and empty data, for one test file. About a second. It ends with the test's
 * process in any case, but only `stop` removes the data.
 */
export async function startTestPostgres(): Promise<TestPostgres> {
  const directory = mkdtempSync(join(tmpdir(), 'rondo-test-postgres-'));
  chmodSync(directory, OPEN_TO_THE_SERVER); // as root the server is another user
  // Nothing here has to survive a power failure.
  const settings = { fsync: false, synchronous_commit: false, full_page_writes: false };
  const server = await startEmbeddedPostgres({ directory, port: await freePort(), settings });
  let databases = 0;
  return {
    url: server.url,
    port: server.port,
    pid: server.pid,
    createDatabase: async () => {
      databases += 1;
      const pathname = `test_${databases}`;
      const patient = (path: string) => Object.assign(new URL(server.url), { pathname: path, search: PATIENT }).href;
      const admin = createPool({ url: patient('postgres'), maxConnections: 1 });
      await admin.query(`CREATE DATABASE ${pathname} TEMPLATE template0`).finally(() => admin.close());
      return patient(pathname);
    },
    stop: async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Whether libfaketime shifts the clock: PostgreSQL's own timers don't fire then, those of statements, locks and deadlocks. */
export const clockIsShifted = process.env['FAKETIME'] !== undefined;

/** A database's address without the bounds of tests, for a test of a pool's own. */
export function withoutBounds(url: string): string {
  return Object.assign(new URL(url), { search: '' }).href;
}

/** A port of 127.0.0.1 that nobody listens on at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = probe.address();
      probe.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('the probe has no port'));
      });
    });
  });
}

const POLL_MS = 10;
const TIMEOUT_MS = 30_000;

/** Resolves as soon as `condition` holds; rejects, naming `what`, when it doesn't within half a minute. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + TIMEOUT_MS;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${TIMEOUT_MS} ms: ${what}`);
    await pause(POLL_MS);
  }
}
