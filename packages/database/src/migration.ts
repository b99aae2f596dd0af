import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SerializationFailure, StatementTimeout } from './errors.js';

const DIRECTIVE = /^-- rondo:(.*?)\r?(?:\n|$)/;
const FORMER_TEXT = /^-- rondo:formerly ([0-9a-f]{64})\r?\n/gm;
const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

/**
 * One step of a schema: plain SQL without BEGIN or COMMIT.
 *
 * With `-- rondo:no-transaction` as its first line it runs outside of a transaction. Each statement then ends with
 * a `;` at the end of a line, and may run twice (`IF NOT EXISTS`), because the file begins anew after an
 * interruption. An index whose `CREATE INDEX CONCURRENTLY` was interrupted is dropped first.
 *
 * A file that had to be corrected after databases had applied it names each former text by its checksum, which the
 * error states, in a line `-- rondo:formerly SHA256`. Databases with a former text are then accepted; a later
 * migration must bring them to the state that the corrected file creates.
 */
export interface Migration {
  /** The file's name, `0001_what_it_does.sql`. Migrations are ordered by the number. */
  readonly name: string;
  readonly sql: string;
}

/** The tables that a package adds to a service's database. */
export interface SchemaPart {
  /** Lower-case letters, digits and `_`. */
  readonly name: string;
  /** Numbered separately; applied before the service's. */
  readonly migrations: readonly Migration[];
}

/**
 * A migration that can't be applied, or that differs from the applied one. The message names the file and the remedy.
 */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
  /** The file at fault. */
  readonly migration: string;
  /** Tells a service that no later try succeeds. */
  readonly neverPasses: boolean;

  constructor(migration: string, problem: string, cause?: unknown) {
    super(`migration ${migration}: ${problem}`, { cause });
    this.migration = migration;
    this.neverPasses = !(cause instanceof SerializationFailure || cause instanceof StatementTimeout);
  }
}

/** A migration with its number and the SHA-256 of its text in hex, without the lines that name former texts. */
export interface NumberedMigration extends Migration {
  readonly number: number;
  readonly sha256: string;
  /** The checksums of its former texts. */
  readonly formerly: readonly string[];
  readonly kind: 'transaction' | 'no-transaction' | 'baseline';
}

/** Reads the `.sql` files of a folder and ignores other files. */
export async function readMigrations(directory: string | URL): Promise<Migration[]> {
  const folder = directory instanceof URL ? fileURLToPath(directory) : directory;
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql'));
  return Promise.all(names.map(async (name) => ({ name, sql: await readFile(join(folder, name), 'utf8') })));
}

/**
 * Sorts migrations by number.
 *
 * @throws MigrationError for an invalid name or a duplicate number.
 */
export function numberMigrations(migrations: readonly Migration[]): NumberedMigration[] {
  const numbered = migrations.map(number).sort((a, b) => a.number - b.number);
  numbered.forEach((migration, index) => {
    const next = numbered[index + 1];
    if (next?.number === migration.number) {
      throw new MigrationError(next.name, `has the same number as ${migration.name}: renumber the newer of the two`);
    }
  });
  return numbered;
}

function number({ name, sql }: Migration): NumberedMigration {
  const digits = FILE_NAME.exec(name)?.[1];
  if (digits === undefined) {
    throw new MigrationError(name, 'is not named like 0001_what_it_does.sql (four digits, lower case): rename it');
  }
  const formerly = [...sql.matchAll(FORMER_TEXT)].map(([, former = '']) => former);
  const text = sql.replaceAll(FORMER_TEXT, '');
  return { name, sql, number: Number(digits), sha256: sha256(text), formerly, kind: kindOf(name, text) };
}

function kindOf(name: string, sql: string): NumberedMigration['kind'] {
  const directive = DIRECTIVE.exec(sql)?.[1];
  if (directive === undefined) return 'transaction';
  if (directive === 'no-transaction' || directive === 'baseline') return directive;
  throw new MigrationError(name, `begins with "-- rondo:${directive}": write no-transaction or baseline, or remove it`);
}

/** Line ends don't count: a checkout on another system may change them. */
function sha256(sql: string): string {
  return createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex');
}
