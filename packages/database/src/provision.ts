import { hostUrls } from '@rondo/base';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { createPool } from './pool.js';
import { readSecret } from './secret-file.js';
import type { Database } from './sql.js';

const LOCK = 0x70726f76n;
const POSTGRES_17 = 170_000;

/** A database and the login role that owns it. */
export interface ProvisionedDatabase {
  readonly database: string;
  readonly role: string;
  readonly password: string;
}

/** What to provision. */
export interface ProvisionOptions {
  /** A superuser's address. Concurrent calls must use the same database in it, which holds their lock. */
  readonly adminUrl: string;
  /** The databases to create. */
  readonly databases: readonly ProvisionedDatabase[];
  /** Receives one line per created or changed object. */
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Creates a database and a login role for each service. The role owns the database, no other role has access, and the
 * role's password is set. Idempotent, on new and existing servers, also with concurrent calls.
 *
 * In every database created here text sorts by code point (PostgreSQL 17 and later: the built-in `C.UTF-8`), so that
 * the order doesn't depend on the machine.
 */
export async function provision({ adminUrl, databases, log, signal }: ProvisionOptions): Promise<void> {
  const admin = createPool({ url: adminUrl, maxConnections: 2, connectTimeoutMs: 60_000, statementTimeoutMs: 60_000 });
  try {
    // CREATE DATABASE can't run in a transaction: one connection holds the lock, another does the work.
    await admin.transaction(
      async (transaction) => {
        await transaction.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
        for (const wanted of databases) await provisionOne(admin, wanted, { log, signal });
      },
      // It only holds the lock, for as long as the other connection works.
      { attempts: 1, signal, readOnly: true },
    );
  } finally {
    await admin.close();
  }
}

type Reporting = Pick<ProvisionOptions, 'signal'> & { readonly log: ProvisionOptions['log'] | undefined };

async function provisionOne(admin: Database, wanted: ProvisionedDatabase, { log, signal }: Reporting): Promise<void> {
  const run = (sql: string) => admin.query(sql, [], { signal });
  const role = escapeIdentifier(wanted.role);
  const database = escapeIdentifier(wanted.database);
  const password = escapeLiteral(wanted.password);

  const existing = await readRole(admin, wanted.role, signal);
  if (existing?.superuser) throw new Error(`role ${wanted.role} is a superuser: give the database a role of its own`);
  // The password is set every time: it can't be compared, and setting it again changes nothing.
  await run(`${existing === undefined ? 'CREATE' : 'ALTER'} ROLE ${role} LOGIN PASSWORD ${password}`);
  if (existing === undefined) log?.(`made the role ${wanted.role}`);

  const owner = await readOwner(admin, wanted.database, signal);
  if (owner === undefined) {
    await run(`CREATE DATABASE ${database} OWNER ${role} TEMPLATE template0 ENCODING 'UTF8'${await locale(admin)}`);
    log?.(`made the database ${wanted.database}, owned by ${wanted.role}`);
  } else if (owner !== wanted.role) {
    await run(`ALTER DATABASE ${database} OWNER TO ${role}`);
    log?.(`gave the database ${wanted.database} to ${wanted.role}`);
  }
  await run(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
}

async function readRole(admin: Database, role: string, signal: AbortSignal | undefined) {
  const sql = 'SELECT rolsuper AS superuser FROM pg_roles WHERE rolname = $1';
  return admin.maybeOne<{ superuser: boolean }>(sql, [role], { signal });
}

async function readOwner(admin: Database, database: string, signal: AbortSignal | undefined) {
  const row = await admin.maybeOne<{ owner: string }>(
    'SELECT pg_get_userbyid(datdba)::text AS owner FROM pg_database WHERE datname = $1',
    [database],
    { signal },
  );
  return row?.owner;
}

async function locale(admin: Database): Promise<string> {
  const { version } = await admin.one<{ version: number }>(
    "SELECT current_setting('server_version_num')::int AS version",
  );
  return version < POSTGRES_17 ? '' : " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C'";
}

/** The configuration of the provisioning step. */
export interface ProvisionConfig {
  readonly adminUrl: string;
  readonly databases: readonly ProvisionedDatabase[];
}

/** Reads `RONDO_DATABASE_ADMIN_URL` and `RONDO_DATABASES`, or their files; returns every fault in them. */
export function readProvisionConfig(
  environment: Readonly<Record<string, string | undefined>>,
): ProvisionConfig | { readonly faults: readonly string[] } {
  const faults: string[] = [];
  const read = (name: string) => {
    const secret = readSecret(name, environment);
    if ('fault' in secret) faults.push(secret.fault);
    return secret;
  };
  const admin = read('RONDO_DATABASE_ADMIN_URL');
  const adminUrl = 'fault' in admin ? '' : (admin.text ?? '');
  if (!('fault' in admin)) faults.push(...urlFaults(adminUrl));
  const listed = read('RONDO_DATABASES');
  const entries = ('fault' in listed ? '' : (listed.text ?? '')).split(/[,\n]/).filter((entry) => entry.trim() !== '');
  // It may be empty: a system can have no database yet.
  if (!('fault' in listed) && listed.text === undefined)
    faults.push('RONDO_DATABASES is not set: give database:role:password, one a line or comma-separated');
  const databases = entries.flatMap((entry, index) => {
    const parsed = parseTriple(entry.trim());
    // The entry may hold a password, so the fault has its index and not its text.
    if (parsed === undefined) faults.push(`RONDO_DATABASES: entry ${index + 1} is not database:role:password`);
    return parsed ?? [];
  });
  faults.push(...duplicates(databases));
  return faults.length > 0 ? { faults } : { adminUrl, databases };
}

function urlFaults(url: string): string[] {
  const want = 'give postgres://role:password@host:port/database';
  if (url === '') return [`RONDO_DATABASE_ADMIN_URL is not set: ${want}`];
  const valid = hostUrls(url).every((one) => URL.canParse(one) && /^postgres(ql)?:$/.test(new URL(one).protocol));
  return valid ? [] : [`RONDO_DATABASE_ADMIN_URL is not a PostgreSQL address: ${want}`];
}

/** A password may contain colons; names may not. */
function parseTriple(entry: string): ProvisionedDatabase | undefined {
  const groups = /^(?<database>[^:]+):(?<role>[^:]+):(?<password>.+)$/.exec(entry)?.groups;
  const { database, role, password } = groups ?? {};
  if (database === undefined || role === undefined || password === undefined) return undefined;
  return { database, role, password };
}

/** A role used twice would have two passwords, or give one service access to another's database. */
function duplicates(databases: readonly ProvisionedDatabase[]): string[] {
  const repeated = (names: readonly string[]) => [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];
  return [
    ...repeated(databases.map(({ database }) => database)).map(
      (name) => `RONDO_DATABASES: database ${name} appears twice`,
    ),
    ...repeated(databases.map(({ role }) => role)).map((name) => `RONDO_DATABASES: role ${name} appears twice`),
  ];
}
