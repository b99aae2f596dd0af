import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OrderState } from '@rondo/contracts/sales/v1/orders';
import { createPool, migrate } from '@rondo/database';
import { type Company, startCompany } from './company.js';
import { refused } from './refused.js';

const FIRST = new URL('../migrations/0001_sales.sql', import.meta.url);

// As sales 0.1.0 has left it: a quote that was accepted, with its order.
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

  it('has orders with the prices of their quotes, and days of their times', async () => {
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

  it('lets such an order be cancelled, and remembers its requests', async () => {
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
