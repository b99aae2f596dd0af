import { backoffMs, sleep } from './backoff.js';
import { SerializationFailure, withUnknownOutcome } from './errors.js';
import type { Lease } from './lease.js';
import { createQueries, type QueryOptions, type SqlValue, type Transaction, type TransactionOptions } from './sql.js';
import { type Bounds, withBounds } from './with-bounds.js';

const BACKOFF = { baseMs: 10, maxMs: 500 };

/** What a transaction needs of its pool. */
export interface TransactionContext {
  acquire(signal: AbortSignal | undefined): Promise<Lease>;
  /** The local bound of a statement whose `statement_timeout` is this; see `pool.ts`. */
  boundMs(statementTimeoutMs: number): number;
  readonly statementTimeoutMs: number;
  /** Under which the transaction is prepared in place of being committed. */
  readonly gid?: string;
}

/** Runs `work` in a transaction, again while concurrent ones win; the contract is `Database.transaction`'s. */
export async function runTransaction<T>(
  context: TransactionContext,
  work: (transaction: Transaction) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  return retryOnConflict(() => attemptOnce(context, work, options), options);
}

/** Runs `work` again, after a pause, while concurrent transactions win; no longer than the signal allows. */
export async function retryOnConflict<T>(
  work: () => Promise<T>,
  { attempts = 5, signal }: Pick<TransactionOptions, 'attempts' | 'signal'>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SerializationFailure) || attempt >= attempts) throw error;
      await sleep(backoffMs(attempt, BACKOFF), signal);
    }
  }
}

async function attemptOnce<T>(
  context: TransactionContext,
  work: (transaction: Transaction) => Promise<T>,
  { isolation = 'read committed', signal, statementTimeoutMs }: TransactionOptions,
): Promise<T> {
  const lease = await context.acquire(signal);
  const timeoutMs = context.boundMs(statementTimeoutMs ?? context.statementTimeoutMs);
  try {
    await lease.run(`BEGIN ISOLATION LEVEL ${isolation.toUpperCase()}`, [], { signal, timeoutMs });
    if (statementTimeoutMs !== undefined) {
      await lease.run(`SET LOCAL statement_timeout = ${Math.trunc(statementTimeoutMs)}`, [], { signal, timeoutMs });
      // Who waits for a statement as long as it takes waits for its locks, too.
      if (statementTimeoutMs === 0) await lease.run('SET LOCAL lock_timeout = 0', [], { signal, timeoutMs });
    }
    const { transaction, end } = openTransaction(lease, { signal, timeoutMs });
    const result = await withBounds(work(transaction), { signal }, lease.abandon).finally(end);
    await finish(lease, context.gid, timeoutMs);
    return result;
  } catch (error) {
    await rollBack(lease, timeoutMs);
    throw error;
  } finally {
    lease.release();
  }
}

/** After a failed statement PostgreSQL answers with ROLLBACK and no error: that must not pass for success. */
async function finish(lease: Lease, gid: string | undefined, timeoutMs: number): Promise<void> {
  const [statement, tag] = gid === undefined ? ['COMMIT', 'COMMIT'] : [`PREPARE TRANSACTION '${gid}'`, 'PREPARE'];
  const { command } = await withUnknownOutcome(lease.run(statement, [], { timeoutMs }));
  if (command !== tag) throw lease.firstFault() ?? new Error(`${statement} was answered with ${command}`);
}

/** A connection that can't even roll back is closed, and the server rolls back by itself. */
async function rollBack(lease: Lease, timeoutMs: number): Promise<void> {
  await lease.run('ROLLBACK', [], { timeoutMs }).catch(lease.abandon);
}

/**
 * `end` closes it for statements that come later, as from the losers of a Promise.all that has failed: sent while the
 * ROLLBACK is under way they would run after it, outside any transaction.
 */
function openTransaction(lease: Lease, outer: Bounds): { readonly transaction: Transaction; readonly end: () => void } {
  let ended = false;
  const bounds = (signal: AbortSignal | undefined): Bounds => {
    if (ended) throw new Error('this transaction has ended');
    return { ...outer, signal: signal ?? outer.signal };
  };
  const run = async <Row extends object>(sql: string, params: readonly SqlValue[], { signal, name }: QueryOptions) => {
    const { rows } = await lease.run<Row>(sql, params, { ...bounds(signal), name });
    return rows;
  };
  const script = async (sql: string, { signal }: QueryOptions = {}) => lease.script(sql, bounds(signal));
  return {
    transaction: { ...createQueries(run), script },
    end: () => {
      ended = true;
    },
  };
}
