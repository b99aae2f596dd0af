import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, type Database } from '@rondo/database';
import { startEmbeddedPostgres } from '@rondo/database/embedded';
import { freePort } from './ports.js';
import { eventually, until } from './wait.js';

type EmbeddedPostgres = Awaited<ReturnType<typeof startEmbeddedPostgres>>;

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

/** How a server is started. */
export interface PostgresOptions extends Pick<Parameters<typeof startEmbeddedPostgres>[0], 'settings'> {
  /** The certificates with which clients have to connect over TLS. Without them connections are plaintext. */
  readonly tls?: {
    readonly server: CertificateFiles;
    /** That of the superuser in `url`. */
    readonly client: CertificateFiles;
  };
}

/** The files of a certificate, its key and the authorities to trust, in PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Starts a server with its data in a folder of its own. Both end with this process. */
export async function startPostgres({ settings = {}, tls }: PostgresOptions = {}): Promise<Postgres> {
  const [directory, port] = [mkdtempSync(join(tmpdir(), 'rondo-postgres-')), await freePort()];
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove);
  chmodSync(directory, 0o755); // if this process is root's, the server is another user's
  const startServer = () => startEmbeddedPostgres({ directory, port, settings });
  let server: EmbeddedPostgres = await startServer();
  if (tls !== undefined) await turnTlsOn(server, tls.server, [CERTIFIED]);
  const url = tls === undefined ? server.url : overTls(server.url, tls.client);
  // A server takes new settings a moment after the command.
  await eventually(() => withAdmin(url, (admin) => admin.check()));
  return {
    port,
    url,
    pid: () => server.pid,
    async createDatabase(name) {
      await withAdmin(url, (admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE template0`));
      return Object.assign(new URL(url), { pathname: `/${name}` }).href;
    },
    async restart(signal, awayMs = 0) {
      process.kill(server.pid, signal);
      await server.exited;
      await sleep(awayMs);
      // It refuses to start as long as sessions of the server before it are still ending.
      server = await until(startServer, { what: 'PostgreSQL runs again' });
    },
    stop: () => server.stop().then(remove),
  };
}

/** Any user from anywhere over TLS, with a certificate of the server's authority besides the password. */
const CERTIFIED = 'hostssl all all all scram-sha-256 clientcert=verify-ca';

/** Turns TLS on at a running server. `access` is who may connect then, as lines of pg_hba.conf. */
export async function turnTlsOn(
  { url, dataDirectory }: Pick<EmbeddedPostgres, 'url' | 'dataDirectory'>,
  files: CertificateFiles,
  access: readonly string[],
): Promise<void> {
  const { uid, gid } = statSync(dataDirectory);
  for (const [name, file] of Object.entries({
    'server.crt': files.cert,
    'server.key': files.key,
    'ca.crt': files.ca,
  })) {
    const own = join(dataDirectory, name);
    writeFileSync(own, readFileSync(file), { mode: 0o600 });
    chownSync(own, uid, gid);
  }
  writeFileSync(join(dataDirectory, 'pg_hba.conf'), access.map((line) => `${line}\n`).join(''));
  await withAdmin(url, async (admin) => {
    for (const set of ['ssl = on', "ssl_ca_file = 'ca.crt'"]) await admin.query(`ALTER SYSTEM SET ${set}`);
    await admin.query('SELECT pg_reload_conf()');
  });
}

async function withAdmin<T>(url: string, work: (admin: Database) => Promise<T>): Promise<T> {
  const admin = createPool({ url, maxConnections: 1 });
  return await work(admin).finally(() => admin.close());
}

/** The address of a database, to be connected to with this certificate. */
export function overTls(url: string, { cert, key, ca }: CertificateFiles): string {
  const search = { sslmode: 'verify-full', sslrootcert: ca, sslcert: cert, sslkey: key };
  return Object.assign(new URL(url), { search: String(new URLSearchParams(search)) }).href;
}
