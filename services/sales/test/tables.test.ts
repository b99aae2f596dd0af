/** What is stored is read along indexes. */
import { expect, it } from '@jest/globals';
import { unindexedOf } from '@rondo/resources/testing';
import { customers } from '../src/customers.js';
import { orders } from '../src/orders.js';
import { products } from '../src/products.js';
import { quotes } from '../src/quotes.js';
import { testCompany } from './company.js';

const company = testCompany();

/** Two times and a day, which differ by row. */
const MADE = `make_interval(secs => n) AS age, LATERAL (SELECT now() - age AS made, DATE '2026-01-01' + n / 10 AS day) AS times`;
const MANY = `
  INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes, create_time, update_time)
    SELECT 'p' || n, 'Product ' || n % 1000, 'SKU-' || n, 'EUR', 100, 0, 60, made, made FROM generate_series(1, 2000) AS n, ${MADE};
  INSERT INTO customers (id, display_name, email, salesperson, create_time, update_time)
    SELECT 'c' || n, 'Customer ' || n % 1000, 'c' || n || '@example.com', 's' || n % 50, made, made FROM generate_series(1, 2000) AS n, ${MADE};
  INSERT INTO quotes (id, customer_id, quote_date, discount_percent, tax_percent, currency, net_minor, total_minor, create_time, update_time)
    SELECT 'q' || n, 'c' || 1 + n % 1000, day, 0, 0, 'EUR', 100, 100, made, made FROM generate_series(1, 2000) AS n, ${MADE};
  INSERT INTO orders (id, quote_id, customer_id, order_date, discount_percent, tax_percent, currency, net_minor, total_minor, create_time, update_time)
    SELECT 'o' || n, CASE WHEN n % 2 = 0 THEN 'q' || n END, 'c' || 1 + n % 1000, day, 0, 0, 'EUR', 100, 100, made, made
    FROM generate_series(1, 2000) AS n, ${MADE};`;

it('is read along an index in each statement', async () => {
  await company.database.transaction((tx) => tx.script(MANY));
  await company.database.query('ANALYZE');
  expect(await unindexedOf(company.database, customers, 'customers/c1234')).toEqual([]);
  expect(await unindexedOf(company.database, products, 'products/p1234')).toEqual([]);
  expect(await unindexedOf(company.database, quotes, 'quotes/q1235')).toEqual([]);
  expect(await unindexedOf(company.database, orders, 'orders/o1234')).toEqual([]);
});
