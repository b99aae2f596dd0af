import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createPool, type Database } from '@rondo/database';
import { unindexedOf } from '@rondo/resources/testing';
import { customers } from '../src/customers.js';
import { type Company, startCompany } from './company.js';

let company: Company;
let database: Database;
beforeAll(async () => {
  company = await startCompany();
  database = createPool({ url: company.databaseUrl, maxConnections: 1 });
});
afterAll(async () => {
  await database.close();
  await company.stop();
});

it('gives a stored customer the etag that callers got of earlier versions', async () => {
  await database.query(`INSERT INTO customers (id, display_name, email, salesperson, version, create_time, update_time, delete_time)
    VALUES ('old', 'Ada "A" Lovelace', 'ada@example.com', 'grace', 7, '2026-01-02T03:04:05.678Z', '2026-02-03T04:05:06.789Z', NULL),
      ('gone', 'Bob', 'bob@example.com', '', 2, '2026-01-02T03:04:05.678Z', '2026-02-03T04:05:06.789Z', '2026-02-03T04:05:06.789Z')`);
  const etags = await Promise.all(
    ['old', 'gone'].map(async (id) => (await company.customers.getCustomer({ name: `customers/${id}` })).etag),
  );
  expect(etags).toEqual(ETAGS);
});

const ETAGS = [
  '"7-566ee8b7-ecb6bc7e897d-f1a943-c525d3-74234e-6ec8b2"',
  '"2-a7e5153c-175807cbbc52-2abf6b-4ac149-bfc162-12ae32"',
];

it('reads customers along an index in each statement', async () => {
  await database.query(`INSERT INTO customers (id, display_name, email, salesperson, create_time, update_time)
    SELECT 'c' || n, 'Customer ' || n % 1000, 'c' || n || '@example.com', 's' || n % 50, made, made
    FROM generate_series(1, 20000) AS n, make_interval(secs => n) AS age, LATERAL (SELECT now() - age AS made) AS times`);
  await database.query('ANALYZE customers');
  expect(await unindexedOf(database, customers, 'customers/c1234')).toEqual([]);
});
