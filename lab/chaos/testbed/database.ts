import { provision } from '@rondo/database';
import { overTls, type Postgres, startPostgres } from '@rondo/harness/postgres';
import { now } from '../time.js';
import type { CertifiedName } from './certificates.js';
import type { Testbed } from './testbed.js';

/** How a database server ends: stopped (fast shutdown), stopped at once (immediate shutdown), or killed. */
export type Ending = 'SIGINT' | 'SIGQUIT' | 'SIGKILL';

/** When a server was away, after what. Milliseconds since the Unix epoch. */
export interface Outage {
  readonly ending: Ending;
  readonly from: number;
  readonly until: number;
}

/** A PostgreSQL of a testbed. */
export type DatabaseServer = Awaited<ReturnType<typeof startDatabase>>;

const PASSWORD = 'chaos';

/** Starts a PostgreSQL without databases. With TLS it wants a certificate of each client. */
export async function startEmptyServer({ certificates, onClose }: Testbed): Promise<Postgres> {
  const [server, client] = [certificates.filesOf('postgres'), certificates.filesOf('chaos')];
  const started = await startPostgres(server && client ? { tls: { server, client } } : {});
  onClose(() => started.stop());
  return started;
}

/** Starts a PostgreSQL that has a database for each of the services. */
export async function startDatabase(testbed: Testbed, services: readonly CertifiedName[]) {
  const server = await startEmptyServer(testbed);
  const databases = services.map(databaseOf).map((name) => ({ database: name, role: name, password: PASSWORD }));
  await provision({ adminUrl: server.url, databases });
  const hosts = /@([^/]+)/.exec(server.url)?.[1];
  return {
    /** The address of a service's own database. */
    urlOf(service: CertifiedName): string {
      const files = testbed.certificates.filesOf(service);
      const name = databaseOf(service);
      const url = `postgres://${name}:${PASSWORD}@${hosts}/${name}`;
      return files === undefined ? url : overTls(url, files);
    },
    /** Ends the server, waits for `awayMs`, and starts it on the same data. Gives from when to when it was away. */
    async restart(ending: Ending, awayMs: number): Promise<Outage> {
      const from = now();
      await server.restart(ending, awayMs);
      return { ending, from, until: now() };
    },
  };
}

const databaseOf = (service: CertifiedName): string => service.replace('-', '_');
