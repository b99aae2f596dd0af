import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '@rondo/database';
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbeddedPostgres } from '@rondo/database/embedded';
import { freePort } from './ports.js';
import { until } from './wait.js';

/** A PostgreSQL of a test's own, with its data on the disk. */
export interface Postgres {
  readonly port: number;
  /** The superuser's address of the database `postgres`. */
  readonly url: string;
  /** The process id of the server that runs now. */
  pid(): number;
  /** Creates an empty database, and gives the superuser's address of it. */
  createDatabase(name: string): Promise<string>;
  /** Ends the server by a signal, waits for `awayMs` once it has ended, and starts it on the same data. */
  restart(signal: NodeJS.Signals, awayMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server with its data in `folder`/postgres. It ends with this process. */
export async function startPostgres(
  folder: string,
  { settings = {} }: Pick<EmbeddedOptions, 'settings'> = {},
): Promise<Postgres> {
  const directory = join(folder, 'postgres');
  mkdirSync(directory);
  // If this process is root's, the server is another user's.
  for (const one of [folder, directory]) chmodSync(one, 0o755);
  const port = await freePort();
  const startServer = () => startEmbeddedPostgres({ directory, port, settings });
  let server: EmbeddedPostgres = await startServer();
  const { url } = server;
  return {
    port,
    url,
    pid: () => server.pid,
    async createDatabase(name) {
      const admin = createPool({ url, maxConnections: 1 });
      await admin.query(`CREATE DATABASE ${name} TEMPLATE template0`).finally(() => admin.close());
      return Object.assign(new URL(url), { pathname: `/${name}` }).href;
    },
    async restart(signal, awayMs = 0) {
      process.kill(server.pid, signal);
      await server.exited;
      await sleep(awayMs);
      // It refuses to start as long as sessions of the server before it are still ending.
      server = await until(startServer, { what: 'PostgreSQL runs again' });
    },
    stop: () => server.stop(),
  };
}
