import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OrderState } from '@rondo/contracts/sales/v1/orders';
import { QuoteState } from '@rondo/contracts/sales/v1/quotes';
import { createPool, migrate } from '@rondo/database';
import { eventually } from '@rondo/database/testing';
import { syncSchema } from '@rondo/sync';
import { transactionsSchema } from '@rondo/transactions';
import { nameBasedUuid } from '../src/adapters/projects.js';
import { type Company, startCompany } from './company.js';
import { refused } from './refused.js';

const FIRST = new URL('../migrations/0001_sales.sql', import.meta.url);

// The rows of sales 0.1.0: an accepted quote with its order.
const BEFORE = `
  INSERT INTO customers (id, display_name, email, create_time) VALUES ('c', 'Ada', 'ada@example.com', '2026-01-31T23:30:00Z');
  INSERT INTO products VALUES ('p', DEFAULT, 'Desk', 'DESK', 'EUR', 1999, 7, 60);
  INSERT INTO quotes (id, customer_id, discount_percent, tax_percent, currency, net_minor, total_minor, create_time)
    VALUES ('q', 'c', 10, 20, 'EUR', 5397, 6476, '2026-01-31T23:30:00Z');
  INSERT INTO quote_lines VALUES ('q', 1, 'p', 1, 0, 'Desk', 1999, 60), ('q', 2, 'p', 2, 5.5, 'Desk', 1999, 60);
  INSERT INTO orders (id, quote_id, customer_id, currency, total_minor, project, create_time)
    VALUES ('o', 'q', 'c', 'EUR', 6476, 'projects/x', '2026-02-01T00:30:00Z');
  INSERT INTO order_lines VALUES ('o', 1, 'p', 1), ('o', 2, 'p', 2);
  INSERT INTO requests (method, request_id, fingerprint, outcome)
    VALUES ('CreateQuote', '0b4f8e52-6c1d-4e8a-9f27-3f6f0f9f3a10', repeat('ab', 32), 'q');`;

describe('a database of sales 0.1.0', () => {
  let company: Company;
  beforeAll(async () => {
    company = await startCompany(fill);
  });
  afterAll(() => company.stop());

  it('gives orders the prices of their quotes, and dates from their times', async () => {
    const order = await company.orders.getOrder({ name: 'orders/o' });
    const quote = await company.quotes.getQuote({ name: 'quotes/q' });
    const { lines, net, tax, total, discountPercent, taxPercent } = quote;
    expect(order).toMatchObject({ lines, net, tax, total, discountPercent, taxPercent });
    expect(order).toMatchObject({
      state: OrderState.ORDER_STATE_PLACED,
      orderDate: { year: 2026, month: 2, day: 1 },
      updateTime: order.createTime,
    });
    expect(quote).toMatchObject({ quoteDate: { year: 2026, month: 1, day: 31 }, order: 'orders/o' });
    expect(lines).toMatchObject([
      { quantity: 1n, title: 'Desk' },
      { quantity: 2n, discountPercent: { value: '5.5' } },
    ]);
  });

  it('allows such an order to be cancelled, and keeps its request ids', async () => {
    await company.orders.cancelOrder({ name: 'orders/o' });
    await expect(company.products.getProduct({ name: 'products/p' })).resolves.toMatchObject({ stock: 10n });
    const again = { requestId: '0b4f8e52-6c1d-4e8a-9f27-3f6f0f9f3a10' };
    const quote = { customer: 'customers/c', lines: [{ product: 'products/p', quantity: 1n }] };
    await refused(company.quotes.createQuote({ quote, ...again }), 'ALREADY_EXISTS', 'was used for another request');
  });
});

async function fill(databaseUrl: string): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-sales-'));
  const pool = createPool({ url: databaseUrl, maxConnections: 1 });
  try {
    copyFileSync(FIRST, path.join(folder, '0001_sales.sql'));
    await migrate(pool, { directory: pathToFileURL(`${folder}/`) });
    await pool.transaction((transaction) => transaction.script(BEFORE));
  } finally {
    await pool.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const EARLIER_MIGRATIONS = ['0001_sales.sql', '0002_changes_and_orders.sql', '0003_first_outcomes.sql'];

const HALF_DONE = `
  INSERT INTO customers (id, display_name, email) VALUES ('c1', 'Ada', 'ada@example.com');
  INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
    VALUES ('p1', 'Desk', 'DESK', 'EUR', 100, 5, 30);
  INSERT INTO quotes (id, customer_id, quote_date, discount_percent, tax_percent, currency, net_minor, total_minor)
    SELECT id, 'c1', '2026-01-01', 0, 0, 'EUR', 100, 100 FROM unnest(ARRAY['q1', 'q2', 'q3']) AS id;
  INSERT INTO quote_lines SELECT id, 0, 'p1', 1, 0, 'Desk', 100, 30 FROM quotes;
  INSERT INTO orders (id, quote_id, customer_id, currency, total_minor, net_minor, discount_percent, tax_percent, order_date, project)
    VALUES ('o1', 'q1', 'c1', 'EUR', 100, 100, 0, 0, '2026-01-02', NULL), ('o2', 'q2', 'c1', 'EUR', 100, 100, 0, 0, '2026-01-02', 'projects/x');
  INSERT INTO order_lines SELECT id, 0, 'p1', 1, 0, 'Desk', 100 FROM orders`;

describe('a database with half-done acceptances', () => {
  let company: Company;
  beforeAll(async () => {
    company = await startCompany();
  });
  afterAll(() => company.stop());

  it('finishes them without a call, and uses the project that the earlier version may have created', async () => {
    const url = await company.postgres.createDatabase();
    const database = createPool({ url, maxConnections: 1 });
    for (const { name, migrations } of [syncSchema, transactionsSchema]) {
      await migrate(database, { part: name, migrations });
    }
    const read = (name: string) => readFile(new URL(`../migrations/${name}`, import.meta.url), 'utf8');
    await migrate(database, {
      migrations: await Promise.all(EARLIER_MIGRATIONS.map(async (name) => ({ name, sql: await read(name) }))),
    });
    for (const statement of HALF_DONE.split(';')) await database.query(statement);
    await database.close();

    company.projects.failure = 'away';
    const replica = await company.startReplica(url);
    try {
      const stateOf = async (id: string) => (await replica.quotes.getQuote({ name: `quotes/${id}` })).state;
      expect(await stateOf('q1')).toBe(QuoteState.QUOTE_STATE_ACCEPTING);
      company.projects.failure = 'none';
      await eventually('the quote is accepted', async () => (await stateOf('q1')) === QuoteState.QUOTE_STATE_ACCEPTED);
      const project = `projects/${nameBasedUuid('q1')}`;
      await expect(replica.quotes.acceptQuote({ name: 'quotes/q1' })).resolves.toMatchObject({ order: { project } });
      expect(await stateOf('q3')).toBe(QuoteState.QUOTE_STATE_OPEN);
      await expect(replica.orders.getOrder({ name: 'orders/o2' })).resolves.toMatchObject({ project: 'projects/x' });
      expect(await company.projects.projects()).toMatchObject([{ title: 'Quote q1 for Ada', efforts: [30n] }]);
    } finally {
      await replica.stop();
    }
  });
});
