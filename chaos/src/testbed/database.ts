import { provision } from '@rondo/database';
import { startPostgres } from '@rondo/harness/postgres';
import { now } from '../time.js';
import type { Testbed } from './testbed.js';

/** How a database server ends: stopped (fast shutdown), stopped at once (immediate shutdown), or killed. */
export type Ending = 'SIGINT' | 'SIGQUIT' | 'SIGKILL';

/** When a server was away. Milliseconds since the Unix epoch. */
export interface Outage {
  readonly from: number;
  readonly until: number;
}

/** A PostgreSQL of a testbed. */
export interface DatabaseServer {
  /** The address of a service's own database. */
  urlOf(service: string): string;
  /** Ends the server, waits for `awayMs`, and starts it on the same data. Gives from when to when it was away. */
  restart(ending: Ending, awayMs: number): Promise<Outage>;
}

const PASSWORD = 'chaos';

/** Starts a PostgreSQL that has a database for each of the services. */
export async function startDatabase(testbed: Testbed, services: readonly string[]): Promise<DatabaseServer> {
  const server = await startPostgres(testbed.folder);
  testbed.onClose(() => server.stop());
  const databases = services.map((name) => ({ database: name, role: name, password: PASSWORD }));
  await provision({ adminUrl: server.url, databases });
  return {
    urlOf: (service) => `postgres://${service}:${PASSWORD}@127.0.0.1:${server.port}/${service}`,
    async restart(ending, awayMs) {
      const from = now();
      await server.restart(ending, awayMs);
      return { from, until: now() };
    },
  };
}
