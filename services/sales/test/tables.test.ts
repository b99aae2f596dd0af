/** What is stored has the etags that callers hold of earlier versions, whichever way it is read, and is read along indexes. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createPool, type Database } from '@rondo/database';
import { unindexedOf } from '@rondo/resources/testing';
import { customers } from '../src/customers.js';
import { orders } from '../src/orders.js';
import { products } from '../src/products.js';
import { quotes } from '../src/quotes.js';
import { type Company, startCompany } from './company.js';

let company: Company;
let database: Database;
beforeAll(async () => {
  company = await startCompany();
  database = createPool({ url: company.databaseUrl, maxConnections: 1 });
  await database.transaction((tx) => tx.script(ROWS));
});
afterAll(async () => {
  await database.close();
  await company.stop();
});

const TIMES = "'2026-01-02T03:04:05.678Z', '2026-02-03T04:05:06.789Z'";
const DELETED = "'2026-02-03T04:05:06.789Z'";
const ROWS = `
  INSERT INTO customers (id, display_name, email, salesperson, version, create_time, update_time, delete_time)
  VALUES ('old', 'Ada "A" Lovelace', 'ada@example.com', 'grace', 7, ${TIMES}, NULL),
    ('gone', 'Bob', 'bob@example.com', '', 2, ${TIMES}, ${DELETED}), ('c', 'C', 'c@example.com', '', 1, ${TIMES}, NULL);
  INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes, version, create_time, update_time, delete_time)
  VALUES ('desk', 'A "desk"', 'D-1', 'EUR', 1999, 7, 90, 3, ${TIMES}, NULL),
    ('yen', 'Tea', 'T', 'JPY', 500, 0, 0, 1, ${TIMES}, ${DELETED});
  INSERT INTO quotes (id, customer_id, quote_date, discount_percent, tax_percent, currency, net_minor, total_minor, version, create_time, update_time, delete_time, valid_until_date)
  VALUES ('open', 'c', '2026-01-31', 12.5, 0, 'EUR', 100, 120, 4, ${TIMES}, NULL, NULL),
    ('gone', 'c', '2026-01-31', 0, 20, 'JPY', 100, 120, 2, ${TIMES}, ${DELETED}, '2026-03-01'),
    ('half', 'c', '2026-01-31', 0, 20, 'EUR', 100, 120, 2, ${TIMES}, NULL, '2026-03-01'),
    ('whole', 'c', '2026-01-31', 0.0001, 100, 'KWD', 100, 120, 1, ${TIMES}, NULL, NULL);
  INSERT INTO quote_lines (quote_id, position, product_id, quantity, discount_percent, title, unit_price_minor, delivery_effort_minutes)
  VALUES ('open', 1, 'desk', 1000000, 15, 'A "desk"', 1999, 90), ('open', 2, 'yen', 1, 0, 'Tea', 0, 0), ('gone', 1, 'desk', 2, 0.5, 'Desk', 1, 1),
    ('half', 1, 'desk', 2, 0, 'Desk', 1, 1), ('whole', 1, 'desk', 2, 0, 'Desk', 922337203685477580799, 1);
  INSERT INTO orders (id, quote_id, customer_id, state, order_date, discount_percent, tax_percent, currency, net_minor, total_minor, project, version, create_time, update_time)
  VALUES ('half', 'half', 'c', 'placed', '2026-02-01', 0, 20, 'EUR', 100, 120, NULL, 1, ${TIMES}),
    ('whole', 'whole', 'c', 'placed', '2026-02-01', 0.0001, 100, 'KWD', 100, 120, 'projects/whole', 2, ${TIMES}),
    ('off', NULL, 'c', 'cancelled', '2026-02-01', 0, 0, 'EUR', 100, 100, NULL, 2, ${TIMES});
  INSERT INTO order_lines (order_id, position, product_id, quantity, discount_percent, title, unit_price_minor)
  SELECT orders.id, position, product_id, quantity, 0, title, unit_price_minor
  FROM orders, quote_lines WHERE quote_lines.quote_id = coalesce(orders.quote_id, 'open');`;

it.each(['customers', 'products', 'quotes', 'orders'] as const)('are those of %s', async (kind) => {
  const all = {
    customers: async () => {
      const filter = 'email != "c@example.com"';
      return (await company.customers.listCustomers({ showDeleted: true, filter })).customers;
    },
    products: async () => (await company.products.listProducts({ showDeleted: true })).products,
    quotes: async () => (await company.quotes.listQuotes({ showDeleted: true })).quotes,
    orders: async () => (await company.orders.listOrders({})).orders,
  };
  const items = (await all[kind]()).toReversed();
  expect(items.map(({ etag }) => etag)).toEqual(ETAGS[kind]);
});

const ETAGS = {
  customers: [
    '"7-566ee8b7-ecb6bc7e897d-f1a943-c525d3-74234e-6ec8b2"',
    '"2-a7e5153c-175807cbbc52-2abf6b-4ac149-bfc162-12ae32"',
  ],
  products: [
    '"3-f879f276-17c2a6395706-63186c-71f0ef-b1f12b-c05204-74234e"',
    '"1-0ec500df-ca4271ce4d0a-5058a3-57cb45-26277f-98089e-bfc162"',
  ],
  quotes: [
    '"4-fb969b25-ddc8c0ca4d5f-dca12d-7b527c-2d5864-ff5015-35ff74-74234e-74234e"',
    '"2-67e9d10b-b09a4edfa450-40267f-2d5864-c3d8d2-ff5015-35ff74-bfc162-db9b71"',
    '"3-21eca20b-9d5cf4065d03-a5ee53-2d5864-c3d8d2-ff5015-4082dc-74234e-db9b71"',
    '"3-d5b12ef5-6fec855706bf-dbdc89-987247-e6d52b-ff5015-d288c5-74234e-74234e"',
  ],
  orders: [
    '"1-d39118f2-a75b14003921-f6d6a4-74234e"',
    '"2-b181ab80-1192672f00f1-f6d6a4-6f0571"',
    '"2-0d908cd2-778480c20927-06234c-74234e"',
  ],
};

it('are those of a change that an earlier version has appended', async () => {
  const watch = company.orders.watchOrders({ fromNow: true })[Symbol.asyncIterator]();
  await watch.next();
  await database.query("INSERT INTO sync_outbox (topic, payload) VALUES ('orders', $1::jsonb)", [CHANGE]);
  const order = await company.orders.getOrder({ name: 'orders/whole' });
  expect((await watch.next()).value?.event).toEqual({ $case: 'orderChanged', value: order });
  await watch.return?.();
});

/** Of the order `whole`. */
const CHANGE = JSON.stringify({
  ...{
    id: 'whole',
    quote: 'whole',
    customer: 'c',
    date: '2026-02-01',
    state: 'placed',
    discount: '0.0001',
    tax: '100',
  },
  ...{ currency: 'KWD', net: '100', total: '120', project: 'projects/whole', salesperson: '', version: '2' },
  lines: [{ product: 'desk', quantity: '2', discount: '0', title: 'Desk', price: '922337203685477580799' }],
  ...{ create_time: '2026-01-02T03:04:05.678Z', update_time: '2026-02-03T04:05:06.789Z', sequence: '2' },
});

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
  await database.transaction((tx) => tx.script(MANY));
  await database.query('ANALYZE');
  expect(await unindexedOf(database, customers, 'customers/c1234')).toEqual([]);
  expect(await unindexedOf(database, products, 'products/p1234')).toEqual([]);
  expect(await unindexedOf(database, quotes, 'quotes/q1235')).toEqual([]);
  expect(await unindexedOf(database, orders, 'orders/o1234')).toEqual([]);
});
