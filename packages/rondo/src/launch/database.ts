/** The databases of services, on the embedded server or on the one that RONDO_DATABASE_ADMIN_URL names. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createSemaphore, hostUrls } from '@rondo/base';
import { messageOf } from '../workspace/errors.js';
import { readJson } from '../workspace/files.js';
import { openLog } from './data-folder.js';
import type { SystemOptions } from './options.js';
import { DATABASE_OFFSET, type Listener, POSTGRES } from './plan.js';
import type { Supervisor } from './supervisor.js';

const ADMIN_URL = 'RONDO_DATABASE_ADMIN_URL';

export interface Server extends Listener {
  readonly adminUrl: string | undefined;
}

/** @throws Error if RONDO_DATABASE_ADMIN_URL is not a PostgreSQL URL, or its file can't be read. */
export function databaseServer({ portBase }: Pick<SystemOptions, 'portBase'>): Server {
  const name = 'the database';
  const adminUrl = readAdminUrl();
  if (adminUrl === '') return { name, port: portBase + DATABASE_OFFSET, adminUrl: undefined };
  const isUrl = hostUrls(adminUrl).every((url) => URL.canParse(url));
  if (/^postgres(ql)?:\/\/./.test(adminUrl) && isUrl) return { name, port: 0, adminUrl };
  throw new Error(
    `${ADMIN_URL} must be a superuser's URL, such as postgres://postgres:password@127.0.0.1:5432/postgres`,
  );
}

/** Whether the databases are on a server that this system doesn't run. */
export const namesServer = (environment: NodeJS.ProcessEnv): boolean =>
  Boolean(environment[ADMIN_URL] || environment[`${ADMIN_URL}_FILE`]);

/** The value of the variable, or what is in the file that its `_FILE` twin names; empty if neither is set. */
function readAdminUrl(): string {
  const { [ADMIN_URL]: url = '', [`${ADMIN_URL}_FILE`]: file = '' } = process.env;
  if (file === '') return url;
  if (url !== '') throw new Error(`${ADMIN_URL} and ${ADMIN_URL}_FILE are both set: give one of them`);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const remedy = 'give the path of a file that holds the URL';
    throw new Error(`${ADMIN_URL}_FILE=${file} can't be read: ${messageOf(error)}: ${remedy}`, { cause: error });
  }
}

export type Databases = Awaited<ReturnType<typeof openDatabases>>;

/** Opens the databases. It refuses a named server that doesn't answer, even if no service has a database yet. */
export async function openDatabases({ adminUrl, ...options }: EmbeddedOptions & Pick<Server, 'adminUrl'>) {
  const server = adminUrl === undefined ? embeddedServer(options) : foreignServer(adminUrl);
  const urls = new Map<string, string>();
  const make = async (names: readonly string[]) => {
    const passwords = passwordsOf(names, options.data);
    const databases = names.map((name) => ({ database: name, role: name, password: passwords[name] ?? '' }));
    const superuser = await server.adminUrl();
    const { provision } = await import('@rondo/database');
    await provision({ adminUrl: superuser, databases }).catch((error) => {
      if (adminUrl === undefined) throw error;
      throw new Error(`the server that ${ADMIN_URL} names can't be set up: ${messageOf(error)}`, { cause: error });
    });
    for (const { database, password } of databases) urls.set(database, urlOf(superuser, database, password));
  };
  const oneByOne = createSemaphore(1).run;
  /** Makes databases that are missing. The embedded server starts with the first one. */
  const provide = (names: readonly string[]): Promise<void> =>
    oneByOne(async () => {
      const missing = names.filter((name) => !urls.has(name));
      if (missing.length > 0) await make(missing);
    });
  if (adminUrl !== undefined) await make([]);
  return {
    ...server,
    provide,
    /** The URL of a database, which is made if it is missing. */
    async urlOf(name: string): Promise<string> {
      await provide([name]);
      return urls.get(name) ?? '';
    },
    /** Makes a database anew, without its data. */
    async reset(name: string): Promise<void> {
      await server.remove(name);
      await make([name]);
    },
  };
}

/** The URL of a service's database on the superuser's server, with all its hosts. */
function urlOf(superuser: string, name: string, password: string): string {
  const [, hosts, query] = /:\/\/(?:[^/?#]*@)?([^/?#@]*)[^?]*(.*)/.exec(superuser) ?? [];
  return `postgres://${name}:${encodeURIComponent(password)}@${hosts}/${name}${query}`;
}

function foreignServer(adminUrl: string): ReturnType<typeof embeddedServer> {
  const refuse = (remedy: string) => async () => {
    throw new Error(`${ADMIN_URL} names a server that this system doesn't run: ${remedy}`);
  };
  return {
    address: hostUrls(adminUrl)
      .map((url) => new URL(url).host)
      .join(','),
    home: ADMIN_URL,
    adminUrl: async () => adminUrl,
    remove: refuse('remove the database there'),
    process: () => undefined,
    restart: refuse('restart it where it runs'),
    stop: async () => undefined,
  };
}

/** Reads or makes a password for each database, and stores them for the next start. */
function passwordsOf(databases: readonly string[], data: string): Readonly<Record<string, string>> {
  if (databases.length === 0) return {};
  const file = path.join(data, 'passwords.json');
  const known: Record<string, string> = existsSync(file) ? readJson(file) : {};
  for (const name of databases) known[name] ??= randomBytes(16).toString('hex');
  writeFileSync(file, `${JSON.stringify(known, null, 2)}\n`, { mode: 0o600 });
  return known;
}

/** Where the server keeps its data, and listens. */
interface EmbeddedOptions {
  readonly data: string;
  readonly port: number;
  readonly supervisor: Supervisor;
}

type EmbeddedPostgres = Awaited<ReturnType<typeof startServer>>;

/** The embedded server, which starts when its URL is asked for. The URL is the same after a restart. */
function embeddedServer({ data, port, supervisor }: EmbeddedOptions) {
  const asked = new WeakSet<EmbeddedPostgres>();
  const ended = new WeakSet<EmbeddedPostgres>();
  let current: EmbeddedPostgres | undefined;
  let starting: Promise<EmbeddedPostgres> | undefined;

  const begin = (append: boolean) => {
    starting = startServer(data, port, append).then((server) => {
      current = server;
      void server.exited.then((how) => {
        ended.add(server);
        if (!asked.has(server)) supervisor.ended(POSTGRES, how, () => begin(true).then(() => true));
      });
      return server;
    });
    return starting;
  };
  /** The superuser's URL. */
  const adminUrl = async (): Promise<string> => {
    if (current !== undefined) return current.url;
    try {
      return (await (starting ?? begin(false))).url;
    } catch (error) {
      starting = undefined; // the next call tries again
      throw error;
    }
  };
  const stop = async (): Promise<void> => {
    supervisor.forget(POSTGRES);
    await starting?.catch(() => undefined); // the caller of `begin` has the error
    if (current === undefined) return;
    asked.add(current);
    await current.stop();
  };
  return {
    address: `127.0.0.1:${port}`,
    /** Where the data is stored. */
    home: data,
    adminUrl,
    async remove(name: string): Promise<void> {
      const { createPool } = await import('@rondo/database');
      const admin = createPool({ url: await adminUrl(), maxConnections: 1 });
      await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`).finally(() => admin.close());
    },
    /** The server's process, if it was started. */
    process: () => current && { pid: current.pid, isRunning: () => current !== undefined && !ended.has(current) },
    async restart(): Promise<void> {
      await stop();
      await begin(false);
    },
    stop,
  };
}

async function startServer(data: string, port: number, append: boolean) {
  const { startEmbeddedPostgres } = await import('@rondo/database/embedded');
  const log = openLog(data, POSTGRES, { append });
  try {
    const server = await startEmbeddedPostgres({ directory: path.join(data, 'postgres'), port, log: log.write });
    void server.exited.then(log.end);
    return server;
  } catch (error) {
    log.end();
    throw error;
  }
}
