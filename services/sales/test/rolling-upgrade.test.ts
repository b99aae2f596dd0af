import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPool, type Database } from '@rondo/database';
import { RpcError, Status } from '@rondo/rpc/status';
import { addCustomer, addProduct, addQuote, type Company, startCompany } from './company.js';

/** As many as the service has connections, and more: each of them is in use when the schema changes. */
const CALLERS = 16;
/** So often has each kind of call to succeed before the first migration, and after each. */
const ROUNDS = 20;
const MAX_ATTEMPTS = 5;

/** What the next version does to the tables while replicas of this one serve. */
const MIGRATIONS = {
  'a column': 'ALTER TABLE products ADD COLUMN colour text',
  'a column with a default': "ALTER TABLE products ADD COLUMN origin text NOT NULL DEFAULT 'unknown'",
  'a column of every table': ['customers', 'quotes', 'quote_lines', 'orders', 'order_lines', 'requests']
    .map((table) => `ALTER TABLE ${table} ADD COLUMN note text`)
    .join('; '),
  'a wider type': 'ALTER TABLE products ALTER COLUMN unit_price_minor TYPE numeric(30, 0)',
  'a wider type of lines': 'ALTER TABLE quote_lines ALTER COLUMN unit_price_minor TYPE numeric(30, 0)',
  'an index': 'CREATE INDEX products_title ON products (title)',
  'a reference that may be missing': 'ALTER TABLE products ADD COLUMN supplier_id text REFERENCES customers',
  'a column less that nobody of this version reads': 'ALTER TABLE products DROP COLUMN colour',
};

describe('replicas under load while the next version migrates their database', () => {
  let company: Company;
  let admin: Database;
  beforeAll(async () => {
    company = await startCompany();
    admin = createPool({ url: company.databaseUrl, maxConnections: 1 });
  });
  afterAll(async () => {
    await admin.close();
    await company.stop();
  });

  it('fail no call', async () => {
    const customer = await addCustomer(company);
    const { name: product } = await addProduct(company, { stock: 1_000_000n });
    const lines = [{ product, quantity: 1n }];
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
      await traffic.goesOn();
      for (const sql of Object.values(MIGRATIONS)) {
        for (const statement of sql.split('; ')) await admin.query(statement);
        await traffic.goesOn();
      }
    } finally {
      await traffic.stop();
    }
    expect(traffic.failures).toEqual([]);
  });
});

/** What a call is told that has waited for longer than it may. */
const TOO_LATE = [Status.ABORTED, Status.DEADLINE_EXCEEDED, Status.UNAVAILABLE];

/** On a busy machine a lock, a connection or an answer may take longer than a call waits: that is tried again; nothing else is. */
async function patiently(call: () => Promise<unknown> | undefined): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const late = error instanceof RpcError && TOO_LATE.some((code) => code === error.code);
      if (!late || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** Callers who call one after the other, each kind in turn, until they are stopped. */
function startTraffic(calls: Readonly<Record<string, () => Promise<unknown>>>) {
  const kinds = Object.keys(calls);
  const done = new Map(kinds.map((kind) => [kind, 0]));
  const failures: string[] = [];
  let waiting: (() => void) | undefined;
  let stopped = false;
  const caller = async (first: number): Promise<void> => {
    for (let turn = first; !stopped; turn += 1) {
      const kind = kinds[turn % kinds.length] ?? '';
      await patiently(() => calls[kind]?.()).catch((error: unknown) => failures.push(`${kind}: ${error}`));
      done.set(kind, (done.get(kind) ?? 0) + 1);
      waiting?.();
    }
  };
  const callers = Array.from({ length: CALLERS }, (_, first) => caller(first));
  return {
    failures,
    /** Resolves when each kind has been called {@link ROUNDS} times more. */
    goesOn(): Promise<void> {
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
