import { setTimeout as pause } from 'node:timers/promises';
import { createPool, type Database, type Transaction } from '@rondo/database';

const POLL_MS = 10;
const TIMEOUT_MS = 30_000;

/** The number of deadlocks that PostgreSQL has detected in a database. */
export async function countDeadlocks(databaseUrl: string): Promise<bigint> {
  const observer = createPool({ url: databaseUrl, maxConnections: 1 });
  const sql = 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()';
  const { deadlocks } = await observer.one<{ deadlocks: bigint }>(sql).finally(() => observer.close());
  return deadlocks;
}

/** Which rows are locked, and what happens meanwhile. */
export interface Held {
  readonly databaseUrl: string;
  /** The product to lock; all products by default. */
  readonly product?: string;
  /** Changes rows in the locking transaction before `work` begins. */
  readonly change?: (holder: Transaction) => Promise<unknown>;
  /** Called when all statements wait. */
  readonly look?: (observer: Database) => Promise<unknown>;
}

/**
 * Starts `work` while another transaction locks products, and releases the locks when `count` statements wait for them.
 */
export async function pileUp<T>(held: Held, count: bigint, work: () => Promise<T>): Promise<T> {
  const { databaseUrl, product, change, look } = held;
  const holder = createPool({ url: databaseUrl, maxConnections: 2 });
  try {
    const started = await holder.transaction(async (transaction) => {
      const sql = 'SELECT FROM products WHERE $1::text IS NULL OR id = $1 FOR UPDATE';
      await transaction.query(sql, [product?.slice('products/'.length) ?? null]);
      await change?.(transaction);
      const result = work();
      // The promise is wrapped in an object, as it would otherwise be awaited while the locks are held.
      await waitForWaiters(holder, count);
      await look?.(holder);
      return { result };
    });
    return await started.result;
  } finally {
    await holder.close();
  }
}

async function waitForWaiters(observer: Database, count: bigint): Promise<void> {
  const sql =
    "SELECT count(*) AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
  const giveUpAt = performance.now() + TIMEOUT_MS;
  for (;;) {
    const { waiting } = await observer.one<{ waiting: bigint }>(sql);
    if (waiting >= count) return;
    if (performance.now() > giveUpAt) throw new Error(`only ${waiting} of ${count} statements wait for a lock`);
    await pause(POLL_MS);
  }
}
