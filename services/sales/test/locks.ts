import { createPool, type Database, type Transaction } from '@rondo/database';
import { eventually, waitingForLocks } from '@rondo/database/testing';

/** Those of the products that no transaction has locked to change them, by their names in order. */
export async function unlocked(observer: Database, names: readonly string[]): Promise<readonly string[]> {
  const sql = 'SELECT id FROM products WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED';
  const rows = await observer.query<{ id: string }>(sql, [names.map((name) => name.slice('products/'.length))]);
  return rows.map(({ id }) => `products/${id}`);
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
export async function pileUp<T>(held: Held, count: number, work: () => Promise<T>): Promise<T> {
  const { databaseUrl, product, change, look } = held;
  const holder = createPool({ url: databaseUrl, maxConnections: 2 });
  try {
    const started = await holder.transaction(async (transaction) => {
      const sql = 'SELECT FROM products WHERE $1::text IS NULL OR id = $1 FOR NO KEY UPDATE';
      await transaction.query(sql, [product?.slice('products/'.length) ?? null]);
      await change?.(transaction);
      const result = work();
      // The promise is wrapped in an object, as it would otherwise be awaited while the locks are held.
      await eventually(`${count} statements wait`, async () => (await waitingForLocks(holder)) >= count);
      await look?.(holder);
      return { result };
    });
    return await started.result;
  } finally {
    await holder.close();
  }
}
