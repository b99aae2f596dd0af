import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { provision } from '@rondo/database';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@rondo/database/embedded';
import { now, pass } from '../time.js';
import { freePort } from './ports.js';
import type { Scene } from './scene.js';

/** How a database server ends: as an administrator stops it, in a hurry, or killed. */
export type Ending = 'SIGINT' | 'SIGQUIT' | 'SIGKILL';

/** When a server was away. Milliseconds since the Unix epoch. */
export interface Outage {
  readonly from: number;
  readonly until: number;
}

/** A PostgreSQL of a scene. */
export interface DatabaseServer {
  /** The address of a service's own database. */
  urlOf(service: string): string;
  /** Ends it, lets it be away for so long, and starts it on the same data. Gives from when to when it didn't answer. */
  restart(ending: Ending, awayMs: number): Promise<Outage>;
}

const PASSWORD = 'chaos';

/** Starts a PostgreSQL that has a database for each of the services. */
export async function startDatabase(scene: Scene, services: readonly string[]): Promise<DatabaseServer> {
  const directory = path.join(scene.folder, 'database');
  mkdirSync(directory);
  // As root the server is another user.
  for (const folder of [scene.folder, directory]) chmodSync(folder, 0o755);
  const options = { directory, port: await freePort() };
  let server: EmbeddedPostgres = await startEmbeddedPostgres(options);
  scene.onClose(() => server.stop());
  const databases = services.map((name) => ({ database: name, role: name, password: PASSWORD }));
  await provision({ adminUrl: server.url, databases });
  return {
    urlOf: (service) => `postgres://${service}:${PASSWORD}@127.0.0.1:${options.port}/${service}`,
    async restart(ending, awayMs) {
      const from = now();
      process.kill(server.pid, ending);
      await server.exited;
      await pass(awayMs);
      server = await startEmbeddedPostgres(options);
      return { from, until: now() };
    },
  };
}
