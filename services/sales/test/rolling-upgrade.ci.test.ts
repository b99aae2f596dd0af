import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { migrate } from '@rondo/database';
import { RpcError, Status } from '@rondo/rpc/status';
import { addCustomer, addProduct, addQuote, testCompany } from './company.js';

/** More callers than the service has connections, so that every connection is in use when the schema changes. */
const CALLERS = 12;
/** How often each kind of call must succeed before the first migration, and after each one. */
const ROUNDS = 4;
const MAX_ATTEMPTS = 200;

/** Schema changes of the next version, applied while replicas of this version serve. */
const MIGRATIONS = {
  'a column': 'ALTER TABLE products ADD COLUMN colour text',
  'a column with a default': "ALTER TABLE products ADD COLUMN origin text NOT NULL DEFAULT 'unknown'",
  'a column of every table': ['customers', 'quotes', 'quote_lines', 'orders', 'order_lines']
    .map((table) => `ALTER TABLE ${table} ADD COLUMN note text`)
    .join('; '),
  'a wider type': 'ALTER TABLE products ALTER COLUMN unit_price_minor TYPE numeric(30, 0)',
  'a wider type of lines': 'ALTER TABLE quote_lines ALTER COLUMN unit_price_minor TYPE numeric(30, 0)',
  'an index': 'CREATE INDEX products_stock_sku ON products (stock, sku)',
  'a reference that may be missing': 'ALTER TABLE products ADD COLUMN supplier_id text REFERENCES customers',
  'dropping a column that this version does not read': 'ALTER TABLE products DROP COLUMN colour',
};

const NEXT = {
  name: '9000_next.sql',
  sql: '-- rondo:no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS orders_net ON orders (net_minor);',
};

async function readPresent() {
  const folder = new URL('../migrations/', import.meta.url);
  const names = await readdir(folder);
  return Promise.all(names.map(async (name) => ({ name, sql: await readFile(new URL(name, folder), 'utf8') })));
}

describe('replicas under load while the next version migrates their database', () => {
  const company = testCompany();

  it('do not fail a call', async () => {
    const customer = await addCustomer(company);
    const { name: product } = await addProduct(company, { stock: 1_000_000n });
    const lines = [{ product, quantity: 1n }];
    const present = await readPresent();
    const traffic = startTraffic({
      placeOrder: () => company.orders.placeOrder({ order: { customer, lines } }),
      createQuote: () => addQuote(company, customer, { product, quantity: 1n }),
      getProduct: () => company.products.getProduct({ name: product }),
      listOrders: () => company.orders.listOrders({ pageSize: 3 }),
      listQuotes: () => company.quotes.listQuotes({ pageSize: 3 }),
      createCustomer: () => addCustomer(company),
      adjustStock: () => company.products.adjustStock({ name: product, delta: 1n }),
    });
    try {
      await traffic.continues();
      for (const sql of Object.values(MIGRATIONS)) {
        for (const statement of sql.split('; ')) await company.database.query(statement);
        await traffic.continues();
      }
      // The next version builds an index without blocking writers, and a replica of this version starts next to it.
      expect(await migrate(company.database, { migrations: [...present, NEXT] })).toEqual([NEXT.name]);
      await traffic.continues();
      const replica = await company.startReplica();
      await expect(replica.products.getProduct({ name: product })).resolves.toMatchObject({ name: product });
    } finally {
      await traffic.stop();
    }
    expect(traffic.failures).toEqual([]);
  });
});

/** The statuses of calls that have waited for too long. */
const TRANSIENT = [Status.ABORTED, Status.DEADLINE_EXCEEDED, Status.RESOURCE_EXHAUSTED, Status.UNAVAILABLE];

/** Retries a call that has waited too long for a lock, a connection or a reply, as may happen on a busy machine. */
async function withRetries(call: () => Promise<unknown> | undefined): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const isTransient = error instanceof RpcError && TRANSIENT.some((code) => code === error.code);
      if (!isTransient || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/**
 * Starts callers, each of which makes one call after the other, alternating between the kinds, until they are stopped.
 */
function startTraffic(calls: Readonly<Record<string, () => Promise<unknown>>>) {
  const kinds = Object.keys(calls);
  const done = new Map(kinds.map((kind) => [kind, 0]));
  const failures: string[] = [];
  let waiting: (() => void) | undefined;
  let stopped = false;
  const caller = async (first: number): Promise<void> => {
    for (let index = first; !stopped; index += 1) {
      const kind = kinds[index % kinds.length] ?? '';
      await withRetries(() => calls[kind]?.()).catch((error: unknown) => failures.push(`${kind}: ${error}`));
      done.set(kind, (done.get(kind) ?? 0) + 1);
      waiting?.();
    }
  };
  const callers = Array.from({ length: CALLERS }, (_, first) => caller(first));
  return {
    failures,
    /** Resolves when each kind has been called {@link ROUNDS} more times. */
    continues(): Promise<void> {
      const until = new Map([...done].map(([kind, count]) => [kind, count + ROUNDS]));
      return new Promise((resolve) => {
        waiting = () => {
          if ([...until].every(([kind, count]) => (done.get(kind) ?? 0) >= count)) resolve();
        };
      });
    },
    async stop(): Promise<void> {
      stopped = true;
      await Promise.all(callers);
    },
  };
}
