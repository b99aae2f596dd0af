import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { createPool, type Database } from '@rondo/database';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@rondo/database/embedded';
import { until } from '../time.js';
import { freePort } from './ports.js';
import type { Scene } from './scene.js';

/** A database of a scene, on its disk. */
export interface Postgres {
  /** The superuser's address of a database of its own. */
  readonly url: string;
  readonly database: Database;
  /** `kill -9`; resolves when it is up again. */
  killAndRestart(): Promise<void>;
}

const OPEN_TO_THE_SERVER = 0o755;
const NAME = 'chaos';
const RESTART_TIMEOUT_MS = 30_000;

/** Starts a server, which ends with the scene. */
export async function startPostgres(scene: Scene): Promise<Postgres> {
  const directory = path.join(scene.folder, 'postgres');
  mkdirSync(directory);
  for (const folder of [scene.folder, directory]) chmodSync(folder, OPEN_TO_THE_SERVER);
  const port = await freePort();
  let server: EmbeddedPostgres = await startEmbeddedPostgres({ directory, port });
  scene.onClose(() => server.stop());
  const admin = createPool({ url: server.url, maxConnections: 1 });
  await admin.query(`CREATE DATABASE ${NAME}`).finally(() => admin.close());
  const url = Object.assign(new URL(server.url), { pathname: `/${NAME}` }).href;
  const database = createPool({ url, maxConnections: 1 });
  scene.onClose(() => database.close());
  return {
    url,
    database,
    async killAndRestart() {
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
      // It refuses for as long as sessions of the one before are still ending.
      const start = () => startEmbeddedPostgres({ directory, port });
      server = await until(start, { what: 'the database is up again', timeoutMs: RESTART_TIMEOUT_MS });
    },
  };
}
