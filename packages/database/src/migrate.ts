import { sleep, systemClock } from '@rondo/base';
import { apply, heldByPrepared } from './apply-migration.js';
import { LockTimeout } from './errors.js';
import {
  type Migration,
  MigrationError,
  type NumberedMigration,
  numberMigrations,
  readMigrations,
} from './migration.js';
import type { Database, Transaction } from './sql.js';

/**
 * Advisory locks belong to one database. This number ("rondo" in ASCII) must only differ from the service's own locks.
 */
const LOCK = 0x726f6e646fn;
const PART_NAME = /^[a-z][a-z0-9_]{0,30}$/;

/** Options of a migration run. */
export interface MigrateOptions {
  /** A folder of `0001_name.sql` files. Give either this or `migrations`. */
  readonly directory?: string | URL;
  /** The migrations themselves. */
  readonly migrations?: readonly Migration[];
  /**
   * The package that the migrations belong to, if they aren't the service's own. They are numbered separately and
   * recorded in `rondo_migrations_<part>`. Lower-case letters, digits and `_`.
   */
  readonly part?: string;
  /** Receives one line per applied migration. */
  readonly log?: (line: string) => void;
  /** Receives a warning about migrations of a newer version, and about locks that a migration waits for; default `log`. */
  readonly warn?: (line: string) => void;
  /**
   * How long a migration waits for a lock, and all later statements on the table behind it, before it lets them pass and
   * tries again; default 3,000.
   */
  readonly lockTimeoutMs?: number;
  /** Ends the wait for another replica's migration, and rolls back a running migration. */
  readonly signal?: AbortSignal | undefined;
}

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly sha256: string;
  readonly service: string;
}

/** The migrations of a schema, and the table that records them. */
interface Schema {
  readonly migrations: readonly NumberedMigration[];
  readonly ledger: string;
}

/** The result of one step. */
interface Step {
  /** The migration that it applied; undefined if none was left. */
  readonly applied: string | undefined;
  /** Migrations of a newer version of the service. */
  readonly newer: readonly string[];
}

/** Pause before the next try, after another replica had the lock or a migration didn't get one. */
const RETRY_PAUSE_MS = 200;

/**
 * Brings the schema up to date. It applies the missing migrations in order, each in a transaction of its own, and
 * records them with a checksum in the table `rondo_migrations` (see `part` for a package's). Any number of replicas may
 * run it at once: an advisory lock ensures that each migration is applied once. Only `signal` limits the time of a
 * migration. One that can't get a lock is rolled back and tried again, with a warning that names the prepared
 * transactions in its way.
 *
 * A file that begins with the line `-- rondo:no-transaction` is applied statement by statement, for `CREATE INDEX
 * CONCURRENTLY`. If it is interrupted, the next run begins it anew; see {@link Migration}.
 *
 * A file that begins with the line `-- rondo:baseline` replaces all files before it. A database that has one of those is
 * refused.
 *
 * A file that has only comments is applied once it has statements.
 *
 * Applied migrations with higher numbers belong to a newer version. An older replica that restarts next to it, or that
 * replaces it in a rollback, ignores them with a warning. So a schema must also work with the version before it.
 *
 * @returns the names of the migrations that this call applied.
 * @throws MigrationError if a migration fails, or if an applied one was changed, is missing, or has a higher number
 *   than a missing one; `DatabaseUnavailable` if the database is unavailable.
 */
export async function migrate(database: Database, options: MigrateOptions): Promise<string[]> {
  const { directory, migrations, log, warn = log, signal, lockTimeoutMs = 3_000 } = options;
  if ((directory === undefined) === (migrations === undefined)) {
    throw new TypeError('migrate takes either a directory or migrations');
  }
  const found = directory === undefined ? (migrations ?? []) : await readMigrations(directory);
  const schema = { migrations: numberMigrations(found), ledger: ledgerOf(options.part) };
  const applied: string[] = [];
  for (;;) {
    const step = await applyNext(database, schema, { lockTimeoutMs, signal, warn }).catch(async (error: unknown) => {
      if (!(error instanceof LockTimeout)) throw error;
      warn?.(`a migration waits for a lock${await heldByPrepared(database)}`);
      return undefined;
    });
    if (step === undefined) {
      await sleep(systemClock, RETRY_PAUSE_MS, signal);
      continue;
    }
    if (step.applied === undefined) {
      if (step.newer.length > 0) warn?.(`the schema is newer than this version: it has ${step.newer.join(', ')}, too`);
      return applied;
    }
    log?.(`applied migration ${step.applied}`);
    applied.push(step.applied);
  }
}

function ledgerOf(part: string | undefined): string {
  if (part === undefined) return 'rondo_migrations';
  if (!PART_NAME.test(part)) {
    throw new TypeError(`a part of a schema is named in lower-case letters, digits and "_", not "${part}"`);
  }
  return `rondo_migrations_${part}`;
}

interface ApplyOptions {
  readonly lockTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly warn: ((line: string) => void) | undefined;
}

/**
 * One transaction: takes the lock, reads the applied migrations, and applies the first missing one. Undefined if another
 * replica has the lock.
 */
function applyNext(
  database: Database,
  { migrations, ledger }: Schema,
  options: ApplyOptions,
): Promise<Step | undefined> {
  const { lockTimeoutMs, signal, warn } = options;
  return database.transaction(
    async (transaction) => {
      // Without waiting: CREATE INDEX CONCURRENTLY waits for all statements, also for one that waits for this lock.
      const sql = 'SELECT pg_try_advisory_xact_lock($1) AS locked';
      if (!(await transaction.one<{ locked: boolean }>(sql, [LOCK])).locked) return undefined;
      const applied = await readApplied(transaction, ledger);
      const next = pending(migrations, applied)[0];
      if (next !== undefined) {
        await apply(transaction, next, { lock: LOCK, lockTimeoutMs, warn });
        await record(transaction, ledger, next);
      }
      return { applied: next?.name, newer: newerThan(migrations, applied).map(({ name }) => name) };
    },
    { statementTimeoutMs: 0, signal },
  );
}

async function readApplied(transaction: Transaction, ledger: string): Promise<Applied[]> {
  await transaction.query(`
    CREATE TABLE IF NOT EXISTS ${ledger} (
      number integer PRIMARY KEY,
      name text NOT NULL,
      sha256 text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`);
  const columns = "number, name, sha256, current_setting('application_name') AS service";
  return transaction.query<Applied>(`SELECT ${columns} FROM ${ledger} ORDER BY number`);
}

async function record(transaction: Transaction, ledger: string, applied: NumberedMigration): Promise<void> {
  const { number, name, sha256 } = applied;
  await transaction.query(`INSERT INTO ${ledger} (number, name, sha256) VALUES ($1, $2, $3)`, [number, name, sha256]);
}

/** Migrations of a newer version: applied, with numbers above all known ones. Without known ones there are none. */
function newerThan(migrations: readonly NumberedMigration[], applied: readonly Applied[]): readonly Applied[] {
  const newest = migrations.at(-1)?.number ?? Number.POSITIVE_INFINITY;
  return applied.filter(({ number }) => number > newest);
}

/** The migrations left to apply. It first checks that every applied one is unchanged or of a newer version. */
function pending(migrations: readonly NumberedMigration[], applied: readonly Applied[]): NumberedMigration[] {
  const byNumber = new Map(migrations.map((migration) => [migration.number, migration]));
  requireBaseline(migrations, applied);
  const newer = new Set(newerThan(migrations, applied));
  for (const earlier of applied) if (!newer.has(earlier)) compare(earlier, byNumber.get(earlier.number));
  const done = new Set(applied.map(({ number }) => number));
  const last = applied.at(-1);
  const left = migrations.filter(({ number, sql }) => !done.has(number) && !isUnwritten(sql));
  const overtaken = left.find(({ number }) => last !== undefined && number < last.number);
  if (overtaken !== undefined) {
    throw new MigrationError(overtaken.name, `comes before ${last?.name}, which is applied: give it a higher number`);
  }
  return left;
}

/** A file with nothing but comments waits until it is written. */
const isUnwritten = (sql: string) => sql.replace(/--.*$/gm, '').trim() === '';

function requireBaseline([first]: readonly NumberedMigration[], [oldest]: readonly Applied[]): void {
  if (first?.kind !== 'baseline' || oldest === undefined || oldest.name === first.name) return;
  throw new MigrationError(
    first.name,
    `begins a new schema, and this database has ${oldest.name} of the schema before it. Nothing was changed. Save the data ` +
      'with "pg_dump --file before.sql DATABASE", remove the database with "dropdb DATABASE", and start again',
  );
}

function compare(earlier: Applied, migration: NumberedMigration | undefined): void {
  if (migration === undefined || migration.name !== earlier.name) {
    throw new MigrationError(
      earlier.name,
      'was applied to this database and is missing here: restore the file, or run a version that has it',
    );
  }
  if (migration.sha256 !== earlier.sha256 && !migration.formerly.includes(earlier.sha256)) {
    throw new MigrationError(
      earlier.name,
      `was changed after it was applied, with the checksum ${earlier.sha256}: restore its text and put the change into a new migration. Or, in development, begin with an empty database: run "rondo dev", then "rondo db reset ${earlier.service || 'SERVICE'}"`,
    );
  }
}
