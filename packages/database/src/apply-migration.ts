import { DatabaseUnavailable, LockTimeout } from './errors.js';
import { MigrationError, type NumberedMigration } from './migration.js';
import type { Database, Queries, Transaction } from './sql.js';

/** How a migration is applied. */
interface ApplyOptions {
  /** The advisory lock that the transaction holds. */
  readonly lock: bigint;
  readonly lockTimeoutMs: number;
  readonly warn: ((line: string) => void) | undefined;
}

/** Applies a migration. @throws LockTimeout, DatabaseUnavailable, MigrationError */
export async function apply(
  transaction: Transaction,
  migration: NumberedMigration,
  options: ApplyOptions,
): Promise<void> {
  const { name, sql, kind } = migration;
  try {
    if (kind === 'no-transaction') {
      await applyOutside(transaction, migration, options);
    } else {
      await transaction.script(`SET LOCAL lock_timeout = ${Math.trunc(options.lockTimeoutMs)}`);
      await transaction.script(sql);
    }
  } catch (error) {
    if (error instanceof DatabaseUnavailable || error instanceof LockTimeout || !(error instanceof Error)) throw error;
    const outcome =
      kind === 'no-transaction' ? 'failed, and the next start tries it again' : 'failed and was rolled back';
    throw new MigrationError(name, `${outcome}: ${error.message}`, error);
  }
}

const BOUND_IDLE =
  "SELECT set_config('idle_session_timeout', current_setting('idle_in_transaction_session_timeout'), false)";

/**
 * Ends the transaction for as long as the statements run, on the same connection. Meanwhile the session holds the
 * lock, and may be idle between statements as long as in a transaction: a frozen replica keeps no other from migrating. The
 * statements wait for locks without a limit, because an interrupted index build has to begin again.
 */
async function applyOutside(
  transaction: Transaction,
  { name, sql }: NumberedMigration,
  { lock, warn }: ApplyOptions,
): Promise<void> {
  const held = await heldByPrepared(transaction);
  if (held !== '') warn?.(`migration ${name} waits for locks${held}`);
  await transaction.query('SELECT pg_advisory_lock($1)', [lock]);
  await transaction.script('COMMIT');
  try {
    await transaction.script('SET statement_timeout = 0');
    await transaction.script('SET lock_timeout = 0');
    await transaction.query(BOUND_IDLE);
    for (const statement of statementsIn(name, sql)) {
      await dropBrokenIndex(transaction, statement);
      await transaction.script(statement);
    }
  } finally {
    await transaction.script('RESET statement_timeout');
    await transaction.script('RESET lock_timeout');
    await transaction.script('RESET idle_session_timeout');
    await transaction.script('BEGIN');
    await transaction.query('SELECT pg_advisory_xact_lock($1), pg_advisory_unlock($1)', [lock]);
  }
}

/** The statements of a file. Several at once would be a transaction. */
function statementsIn(name: string, sql: string): readonly string[] {
  const code = sql.replace(/^\s*--.*$/gm, '');
  if (code.includes('$$')) {
    throw new MigrationError(name, 'has a function body: put it into a file without "-- rondo:no-transaction"');
  }
  return code
    .split(/;[ \t\r]*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

const INDEX =
  /^CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?("[^"]+"|[a-z_][a-z0-9_$]*)\s+ON\s/i;

/** An interrupted CREATE INDEX CONCURRENTLY leaves an index that isn't used, and that IF NOT EXISTS counts as one. */
async function dropBrokenIndex(queries: Transaction, statement: string): Promise<void> {
  const index = INDEX.exec(statement)?.[1];
  if (index === undefined) return;
  const sql = 'SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid';
  const { length: broken } = await queries.query(sql, [index]);
  if (broken > 0) await queries.script(`DROP INDEX CONCURRENTLY ${index}`);
}

const PREPARED = `
  SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared, gid LIMIT 5`;

/** Names the prepared transactions of this database, which hold their locks until they are ended; empty without any. */
export async function heldByPrepared(database: Pick<Queries | Database, 'query'>): Promise<string> {
  const rows = await database.query<{ gid: string }>(PREPARED);
  if (rows.length === 0) return '';
  const gids = rows.map(({ gid }) => gid).join(', ');
  return `. Prepared transactions keep theirs until they end: ${gids}. "rondo tx ls" shows them`;
}
