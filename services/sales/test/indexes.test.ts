import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createPool, type Database } from '@rondo/database';
import { unindexedOf } from '@rondo/resources/testing';
import { products } from '../src/products.js';
import { type Company, startCompany } from './company.js';

let company: Company;
let database: Database;
beforeAll(async () => {
  company = await startCompany();
  database = createPool({ url: company.databaseUrl, maxConnections: 1 });
  await database.transaction((tx) => tx.script(ROWS));
  await database.query('ANALYZE');
});
afterAll(async () => {
  await database.close();
  await company.stop();
});

/** Two times and a day, which differ by row. */
const MADE = `make_interval(secs => n) AS age, LATERAL (SELECT now() - age AS made, DATE '2026-01-01' + n / 10 AS day) AS times`;
const ROWS = `
  INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes, create_time, update_time)
    SELECT 'p' || n, 'Product ' || n % 1000, 'SKU-' || n, 'EUR', 100, 0, 60, made, made FROM generate_series(1, 10000) AS n, ${MADE};`;

it('reads products along an index in each statement', async () => {
  expect(await unindexedOf(database, products, 'products/p1234')).toEqual([]);
});
