import { backoffMs, sleep, systemClock, systemRandom } from '@rondo/base';
import type { Connection, StatementBounds } from './connection.js';
import {
  CommitOutcomeUnknown,
  DatabaseUnavailable,
  isRefusal,
  KeyInUse,
  READ_ONLY,
  SerializationFailure,
  withUnknownOutcome,
} from './errors.js';
import type { LockWaiter } from './lock-wait.js';
import { createQueries, type QueryOptions, type SqlValue, type Transaction, type TransactionOptions } from './sql.js';
import { type Bounds, withBounds } from './with-bounds.js';

const BACKOFF = { baseMs: 10, maxMs: 500, random: systemRandom };
/** How long a transaction that only reads may be idle, in milliseconds. */
const IDLE_READ_MS = 60_000;

/** What a transaction needs from its pool. */
export interface TransactionContext {
  acquire(signal: AbortSignal | undefined): Promise<Connection>;
  /** The client's timeout for a statement with this `statement_timeout`; see `pool.ts`. */
  boundMs(statementTimeoutMs: number): number;
  readonly statementTimeoutMs: number;
  /** How long an aborted transaction may go on before its connection is closed. */
  readonly abortGraceMs: number;
  readonly locks: LockWaiter;
  /** How long it may wait for a lock; by default as long as its connection says. Milliseconds. */
  readonly sliceMs?: number | undefined;
  /** If set, the transaction is prepared under it instead of committed. */
  readonly gid?: string;
}

/** Runs `work` in a transaction, and again if concurrent transactions win; the contract is `Database.transaction`. */
export async function runTransaction<T>(
  context: TransactionContext,
  work: (transaction: Transaction) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const once = (sliceMs?: number) => attemptOnce({ ...context, sliceMs }, work, options);
  return retryOnConflict(() => context.locks.run(once, options), options);
}

/** Runs `work` again, after a pause, while concurrent transactions win; until the signal aborts. */
export async function retryOnConflict<T>(
  work: () => Promise<T>,
  { attempts = 5, signal }: Pick<TransactionOptions, 'attempts' | 'signal'>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      // A repetition waits for the first call until its own deadline.
      const waits = error instanceof KeyInUse && signal !== undefined;
      if (!(error instanceof SerializationFailure) || (attempt >= attempts && !waits)) throw error;
      await sleep(systemClock, backoffMs(attempt - 1, BACKOFF), signal);
    }
  }
}

async function attemptOnce<T>(
  context: TransactionContext,
  work: (transaction: Transaction) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const { signal, statementTimeoutMs, readOnly = false } = options;
  const connection = await context.acquire(signal);
  const timeoutMs = context.boundMs(statementTimeoutMs ?? context.statementTimeoutMs);
  try {
    const begun = beginWith(connection, beginning(options, context), { signal, timeoutMs, readOnly });
    const { transaction, end } = openTransaction(connection, { signal, timeoutMs });
    const { abortGraceMs } = context;
    const working = Promise.all([(async () => work(transaction))(), begun]);
    const [result] = await withBounds(working, { signal, abortGraceMs }, connection.abandon).finally(end);
    await finish(connection, context.gid, { unless: signal, timeoutMs, readOnly });
    return result;
  } catch (error) {
    await rollBack(connection, timeoutMs);
    const isOwnFault = readOnly && error instanceof DatabaseUnavailable && error.sqlState === READ_ONLY;
    throw isOwnFault ? error.cause : error;
  } finally {
    connection.release();
  }
}

/** A BEGIN that PostgreSQL refuses leaves the statement that was sent with it without a transaction. */
async function beginWith(connection: Connection, sql: string, { readOnly, ...bounds }: Bounds & { readOnly: boolean }) {
  try {
    await connection.begin(sql, bounds);
  } catch (error) {
    if (readOnly || !isRefusal(error)) throw error;
    const what = 'PostgreSQL refused to begin a transaction, whose first statement may have taken effect';
    throw new CommitOutcomeUnknown(what, error);
  }
}

/** The statements that begin a transaction. */
function beginning(options: TransactionOptions, { locks, sliceMs }: TransactionContext): string {
  const { isolation = 'read committed', statementTimeoutMs, readOnly, attempts } = options;
  const statements = [`BEGIN ISOLATION LEVEL ${isolation.toUpperCase()}${readOnly ? ' READ ONLY' : ''}`];
  if (statementTimeoutMs !== undefined) {
    statements.push(`SET LOCAL statement_timeout = ${Math.trunc(statementTimeoutMs)}`);
  }
  // Without a statement timeout there is no lock timeout either. Work that may run only once gets the whole wait at once.
  if (statementTimeoutMs === 0) statements.push('SET LOCAL lock_timeout = 0');
  else if (attempts === 1 && locks.timeoutMs > 0) statements.push(`SET LOCAL lock_timeout = ${locks.timeoutMs}`);
  else if (sliceMs !== undefined) statements.push(`SET LOCAL lock_timeout = ${sliceMs}`);
  // A reader may take long over a snapshot: no write waits for it, only migrations do.
  if (readOnly) statements.push(`SET LOCAL idle_in_transaction_session_timeout = ${IDLE_READ_MS}`);
  return statements.join('; ');
}

/** After a failed statement PostgreSQL answers COMMIT with ROLLBACK and no error. That must not count as success. */
async function finish(
  connection: Connection,
  gid: string | undefined,
  { readOnly, ...bounds }: StatementBounds & { readonly readOnly: boolean },
): Promise<void> {
  const [statement, tag] = gid === undefined ? ['COMMIT', 'COMMIT'] : [`PREPARE TRANSACTION '${gid}'`, 'PREPARE'];
  const ending = connection.run(statement, [], { ...bounds, mayCommit: true });
  const { command } = await (readOnly ? ending : withUnknownOutcome(ending));
  if (command !== tag) throw connection.firstFault() ?? new Error(`${statement} was answered with ${command}`);
}

/** If the rollback fails, the connection is closed, and the server rolls back by itself. */
async function rollBack(connection: Connection, timeoutMs: number): Promise<void> {
  await connection.run('ROLLBACK', [], { timeoutMs }).catch(connection.abandon);
}

/**
 * `end` rejects later statements, such as those of the other members of a failed Promise.all. If they were sent during
 * the ROLLBACK, they would run after it, outside of any transaction.
 */
function openTransaction(connection: Connection, outer: Bounds) {
  let ended = false;
  const bounds = (signal: AbortSignal | undefined): Bounds => {
    if (ended) throw new Error('this transaction has ended');
    return { ...outer, signal: signal ?? outer.signal };
  };
  const run = async <Row extends object>(sql: string, params: readonly SqlValue[], options: QueryOptions) => {
    const { name, pipelined } = options;
    const { signal, ...limits } = bounds(options.signal);
    // The COMMIT may be sent behind one that is pipelined.
    const sent = pipelined ? { ...limits, unless: signal, pipelined, mayCommit: true } : { ...limits, signal };
    const { rows } = await connection.run<Row>(sql, params, { ...sent, name });
    return rows;
  };
  const script = async (sql: string, { signal }: QueryOptions = {}) => connection.script(sql, bounds(signal));
  const transaction: Transaction = { ...createQueries(run), script };
  const end = () => {
    ended = true;
  };
  return { transaction, end };
}
