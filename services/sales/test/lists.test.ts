import { beforeAll, describe, expect, it } from '@jest/globals';
import { WatchOrdersResponse } from '@rondo/contracts/sales/v1/orders';
import { ListQuotesResponse, WatchQuotesResponse } from '@rondo/contracts/sales/v1/quotes';
import { eventually, waitingForLocks } from '@rondo/database/testing';
import { addCustomer, callersOf, testCompany } from './company.js';
import { refused } from './refused.js';

const COUNT = 400;
/** More than a page of a filter without an index reads. */
const PRODUCTS = 1_200;

/** What a filter looks for is rare, and stands where a walk from the newest on comes last. */
const FILL = `
  INSERT INTO customers (id, display_name, email) SELECT 'c' || n, 'C' || n, 'c' || n || '@example.com' FROM generate_series(0, 4) AS n;
  INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
    SELECT 'p' || n, 'T', 'S' || n, 'EUR', 100, CASE WHEN n < 3 THEN 0 ELSE 5 END, 30
    FROM generate_series(1, ${PRODUCTS}) AS n ORDER BY n;
  INSERT INTO quotes (id, customer_id, quote_date, discount_percent, tax_percent, currency, net_minor, total_minor, update_time, delete_time)
    SELECT 'q' || n, 'c' || n % 5, DATE '2020-01-01' + (n / 100)::int, 0, 0, 'EUR', 100, 100, now(),
      CASE WHEN n > 20 AND n % 7 = 0 THEN now() END
    FROM generate_series(1, ${COUNT}) AS n ORDER BY n;
  INSERT INTO quote_lines SELECT id, 1, 'p1', 1, 0, 'T', 100, 30 FROM quotes;
  INSERT INTO orders (id, quote_id, customer_id, currency, total_minor, net_minor, discount_percent, tax_percent, order_date, project, state)
    SELECT 'o' || sequence, id, customer_id, 'EUR', 100, 100, 0, 0, quote_date, CASE WHEN sequence > 20 THEN 'projects/x' END,
      CASE WHEN sequence < 30 THEN 'cancelled' ELSE 'placed' END
    FROM quotes WHERE delete_time IS NULL AND sequence > 10 ORDER BY sequence;
  INSERT INTO order_lines (order_id, position, product_id, quantity, discount_percent, title, unit_price_minor)
    SELECT id, 1, 'p1', 1, 0, 'T', 100 FROM orders;`;

const company = testCompany();
beforeAll(async () => {
  await company.database.transaction((transaction) => transaction.script(FILL));
  await company.database.query('ANALYZE');
});

/** The ids of all pages. */
async function allPages(read: (pageToken: string) => Promise<{ readonly ids: string[]; readonly next: string }>) {
  const ids: string[] = [];
  for (let pageToken = ''; ; ) {
    const page = await read(pageToken);
    ids.push(...page.ids);
    if (page.next === '') return ids;
    pageToken = page.next;
  }
}

const listQuotes = (filter: string) =>
  allPages(async (pageToken) => {
    const { quotes, nextPageToken } = await company.quotes.listQuotes({ filter, pageSize: 97, pageToken });
    return { ids: quotes.map(({ name }) => name.replace('quotes/q', '')), next: nextPageToken };
  });

const listOrders = (filter: string) =>
  allPages(async (pageToken) => {
    const { orders, nextPageToken } = await company.orders.listOrders({ filter, pageSize: 97, pageToken });
    return { ids: orders.map(({ name }) => name.replace('orders/o', '')), next: nextPageToken };
  });

it('filters are of each of the fields', async () => {
  const both = 'customer = "customers/c3" AND create_time > "2020-01-01T00:00:00Z"';
  const quotes = await listQuotes(`${both} AND state = ACCEPTING AND quote_date < "2020-01-02"`);
  expect(quotes).toEqual(['18', '13']);
  const orders = `${both} AND state = CANCELLED AND order_date < "2020-01-02"`;
  expect(await listOrders(orders)).toEqual(['23', '18', '13']);
  expect(await listOrders(`${orders} AND quote = "quotes/q18"`)).toEqual(['18']);
  const { products } = await company.products.listProducts({ filter: 'stock = 5 AND sku = "S9" AND title = "T"' });
  expect(products).toMatchObject([{ name: 'products/p9' }]);
});

describe('a filter of many quotes', () => {
  it('follows the state of a quote', async () => {
    const openOnes = () => listQuotes('state = OPEN');
    expect(await openOnes()).toContain('7');
    await company.database.query(`INSERT INTO orders (id, quote_id, customer_id, currency, total_minor, net_minor, discount_percent, tax_percent,
      order_date) SELECT 'late', id, customer_id, 'EUR', 100, 100, 0, 0, quote_date FROM quotes WHERE id = 'q7'`);
    expect(await openOnes()).not.toContain('7');
    expect(await listQuotes('state = ACCEPTING')).toContain('7');
    await company.database.query(`UPDATE orders SET project = 'projects/x' WHERE id = 'late'`);
    expect(await listQuotes('state = ACCEPTED')).toContain('7');
    await company.database.query(`DELETE FROM orders WHERE id = 'late'`);
    await company.database.query(`UPDATE quotes SET state = 'OPEN' WHERE id = 'q7'`);
  });
});

it('lists that wait leave connections to other calls, and are refused when too many wait', async () => {
  const name = await addCustomer(company);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const holding = company.database.transaction(async (transaction) => {
    await transaction.query('LOCK TABLE quotes');
    await held;
  });
  // By a server whose admission has seen no slow calls, and so refuses none itself.
  const { quotes } = callersOf(company)('ada', 'sales.read');
  let lists: Promise<unknown> | undefined;
  try {
    await eventually('the table is locked', async () => (await locksOf('quotes')) > 0n);
    lists = Promise.allSettled(Array.from({ length: 104 }, () => quotes.listQuotes({})));
    // At once: each of those waits for as long as its contract allows, and then leaves room for another one.
    await refused(quotes.listQuotes({}), 'RESOURCE_EXHAUSTED', 'too many lists');
    await eventually('the lists wait', async () => (await waitingForLocks(company.database)) >= 4);
    // As many as the pool has connections.
    await expect(
      Promise.all(Array.from({ length: 10 }, () => company.customers.getCustomer({ name }))),
    ).resolves.toHaveLength(10);
  } finally {
    release();
    await holding;
  }
  await lists;
  await expect(company.quotes.listQuotes({ pageSize: 1 })).resolves.toMatchObject({ quotes: [{}] });
});

async function locksOf(table: string): Promise<bigint> {
  const sql = `SELECT count(*) FROM pg_locks WHERE relation = $1::regclass AND mode = 'AccessExclusiveLock' AND granted`;
  return (await company.database.one<{ count: bigint }>(sql, [table])).count;
}

describe('large quotes and orders', () => {
  const MAX_BYTES = 4 * 2 ** 20;
  const LARGE = 70;

  it('come in pages and parts that a stock client accepts', async () => {
    await company.database.transaction((transaction) =>
      transaction.script(`
        INSERT INTO customers (id, display_name, email) VALUES ('large', 'L', 'large@example.com');
        INSERT INTO quotes (id, customer_id, quote_date, discount_percent, tax_percent, currency, net_minor, total_minor)
          SELECT 'l' || n, 'large', '2020-01-01', 0, 0, 'EUR', 100, 100 FROM generate_series(1, ${LARGE}) AS n;
        INSERT INTO quote_lines SELECT id, line, 'p1', 1, 0, repeat('漢', 200), 100, 30
          FROM quotes, generate_series(1, 100) AS line WHERE customer_id = 'large';
        INSERT INTO orders (id, quote_id, customer_id, currency, total_minor, net_minor, discount_percent, tax_percent, order_date)
          SELECT id, id, 'large', 'EUR', 100, 100, 0, 0, '2020-01-01' FROM quotes WHERE customer_id = 'large';
        INSERT INTO order_lines (order_id, position, product_id, quantity, discount_percent, title, unit_price_minor)
          SELECT id, line, 'p1', 1, 0, repeat('漢', 200), 100 FROM orders, generate_series(1, 100) AS line WHERE customer_id = 'large';`),
    );
    const names: string[] = [];
    for (let pageToken = ''; ; ) {
      const reply = await company.quotes.listQuotes({
        filter: 'customer = "customers/large"',
        pageSize: 100,
        pageToken,
      });
      expect(ListQuotesResponse.encode(reply).finish().length).toBeLessThan(MAX_BYTES);
      names.push(...reply.quotes.map(({ name }) => name));
      pageToken = reply.nextPageToken;
      if (pageToken === '') break;
    }
    expect(names).toEqual(Array.from({ length: LARGE }, (_, index) => `quotes/l${LARGE - index}`));

    const watched: string[] = [];
    for await (const reply of company.orders.watchOrders({ customer: 'customers/large' })) {
      expect(WatchOrdersResponse.encode(reply).finish().length).toBeLessThan(MAX_BYTES);
      if (reply.event?.$case !== 'snapshot') break;
      watched.push(...reply.event.value.orders.map(({ name }) => name));
      if (!reply.event.value.more) break;
    }
    const oldestFirst = (kind: string) => Array.from({ length: LARGE }, (_, index) => `${kind}/l${index + 1}`);
    expect(watched).toEqual(oldestFirst('orders'));

    const quotes: string[] = [];
    for await (const reply of company.quotes.watchQuotes({ customer: 'customers/large' })) {
      expect(WatchQuotesResponse.encode(reply).finish().length).toBeLessThan(MAX_BYTES);
      if (reply.event?.$case !== 'snapshot') break;
      quotes.push(...reply.event.value.quotes.map(({ name }) => name));
      if (!reply.event.value.more) break;
    }
    expect(quotes).toEqual(oldestFirst('quotes'));
  });
});
