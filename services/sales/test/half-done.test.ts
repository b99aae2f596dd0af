import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { QuoteState } from '@rondo/contracts/sales/v1/quotes';
import { createPool, migrate } from '@rondo/database';
import { eventually } from '@rondo/database/testing';
import { syncSchema } from '@rondo/sync';
import { transactionsSchema } from '@rondo/transactions';
import { nameBasedUuid } from '../src/adapters/projects.js';
import { type Company, startCompany } from './company.js';

const BEFORE = ['0001_sales.sql', '0002_changes_and_orders.sql', '0003_first_outcomes.sql'];

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

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.stop());

it('finishes by itself what an earlier version has left half accepted, with the project that it may have made', async () => {
  const url = await company.postgres.createDatabase();
  const database = createPool({ url, maxConnections: 1 });
  for (const { name, migrations } of [syncSchema, transactionsSchema]) {
    await migrate(database, { part: name, migrations });
  }
  const read = (name: string) => readFile(new URL(`../migrations/${name}`, import.meta.url), 'utf8');
  await migrate(database, {
    migrations: await Promise.all(BEFORE.map(async (name) => ({ name, sql: await read(name) }))),
  });
  for (const statement of HALF_DONE.split(';')) await database.query(statement);
  await database.close();

  company.projects.failure = 'away';
  const replica = await company.startReplica(url);
  try {
    const stateOf = async (id: string) => (await replica.quotes.getQuote({ name: `quotes/${id}` })).state;
    expect(await stateOf('q1')).toBe(QuoteState.QUOTE_STATE_ACCEPTING);
    company.projects.failure = 'none';
    await eventually('it is accepted', async () => (await stateOf('q1')) === QuoteState.QUOTE_STATE_ACCEPTED);
    const project = `projects/${nameBasedUuid('q1')}`;
    await expect(replica.quotes.acceptQuote({ name: 'quotes/q1' })).resolves.toMatchObject({ order: { project } });
    expect(await stateOf('q3')).toBe(QuoteState.QUOTE_STATE_OPEN);
    await expect(replica.orders.getOrder({ name: 'orders/o2' })).resolves.toMatchObject({ project: 'projects/x' });
    expect(await company.projects.projects()).toMatchObject([{ title: 'Quote q1 for Ada', efforts: [30n] }]);
  } finally {
    await replica.stop();
  }
});
