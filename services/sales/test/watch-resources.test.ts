import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QuoteState } from '@rondo/contracts/sales/v1/quotes';
import { createPool, type Database } from '@rondo/database';
import { eventually } from '@rondo/database/testing';
import { addProduct, type Company, startCompany } from './company.js';
import { refused } from './refused.js';
import { BUYER, DESK, KINDS, PARTIES, type Resource, reading, unique } from './watched.js';

let company: Company;
let replica: Awaited<ReturnType<Company['startReplica']>>;
let database: Database;
beforeAll(async () => {
  company = await startCompany();
  replica = await company.startReplica();
  database = createPool({ url: company.databaseUrl, maxConnections: 2 });
  await database.transaction((transaction) => transaction.script(PARTIES));
});
afterAll(async () => {
  await database.close();
  await replica.stop();
  await company.stop();
});

/** Statements of the version before the feeds, which knows nothing of them: one adds rows, one changes a row. */
const OLD = {
  customers: {
    add: `INSERT INTO customers (id, display_name, email, salesperson)
      SELECT 'old' || n, 'Old', 'old' || n || '@example.com', '' FROM generate_series($1::int, $2::int) AS n`,
    change: [
      `UPDATE customers SET display_name = coalesce('Older', display_name), version = version + 1,
        update_time = greatest(clock_timestamp(), update_time) WHERE id = $1`,
    ],
  },
  products: {
    add: `INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
      SELECT 'old' || n, 'Old', 'OLD-' || n, 'EUR', 1999, 5, 60 FROM generate_series($1::int, $2::int) AS n`,
    change: [
      `UPDATE products SET stock = saved.stock FROM unnest(ARRAY[$1], ARRAY[4]) AS saved (id, stock) WHERE products.id = saved.id`,
    ],
  },
  quotes: {
    add: `WITH made AS (
        INSERT INTO quotes (id, customer_id, quote_date, discount_percent, tax_percent, currency, net_minor, total_minor)
        SELECT 'old' || n, 'buyer', '2020-01-01', 0, 0, 'EUR', 1999, 1999 FROM generate_series($1::int, $2::int) AS n RETURNING id
      )
      INSERT INTO quote_lines
        (quote_id, position, product_id, quantity, discount_percent, title, unit_price_minor, delivery_effort_minutes)
      SELECT id, 1, 'desk', 1, 0, 'Desk', 1999, 60 FROM made`,
    change: [
      `UPDATE quotes SET net_minor = 3998, total_minor = 3998, version = version + 1,
        update_time = greatest(clock_timestamp(), update_time) WHERE id = $1`,
      'DELETE FROM quote_lines WHERE quote_id = $1',
      `INSERT INTO quote_lines
        (quote_id, position, product_id, quantity, discount_percent, title, unit_price_minor, delivery_effort_minutes)
      VALUES ($1, 1, 'desk', 2, 0, 'Desk', 1999, 60)`,
    ],
  },
};
type KindName = keyof typeof OLD;

/** Adds rows as the version before does. Returns their names. */
async function addOld(kind: KindName, rows: number): Promise<readonly string[]> {
  const from = unique() * 10_000;
  await database.query(OLD[kind].add, [from, from + rows - 1]);
  return Array.from({ length: rows }, (_, index) => `${kind}/old${from + index}`);
}

/** Resolves when all changes have left the outbox. */
const relayed = () =>
  eventually('the changes are relayed', async () => (await database.query('SELECT FROM sync_outbox')).length === 0);

async function changeOld(kind: KindName, name: string): Promise<void> {
  await database.transaction(async (transaction) => {
    for (const sql of OLD[kind].change) await transaction.query(sql, [name.slice(`${kind}/`.length)]);
  });
}

const named = (items: readonly Resource[]) => items.map(({ name }) => name);

describe.each(Object.keys(KINDS) as KindName[])('a watch of %s', (name) => {
  const kind = KINDS[name];

  it('has what the version before writes', async () => {
    const watch = reading(kind.watch(company, { fromNow: true }));
    expect(await watch.snapshot()).toEqual([]);
    const [added = ''] = await addOld(name, 1);
    expect(await watch.changed()).toEqual(await kind.get(company, added));
    await changeOld(name, added);
    expect(await watch.changed()).toEqual(await kind.get(company, added));
    await watch.end();
  });
});

it('a watch of products has each product of an order, and resumes between them', async () => {
  const added = [await addProduct(company), await addProduct(company), await addProduct(company)];
  const inOrder = named(added).toSorted();
  const lines = inOrder.map((product) => ({ product, quantity: 1n }));
  const watch = reading(company.products.watchProducts({ fromNow: true }));
  await watch.snapshot();
  const entries = () => database.one<{ last: bigint }>('SELECT max(outbox_id) AS last FROM sync_changes');
  await relayed();
  const { last: before } = await entries();
  await company.orders.placeOrder({ order: { customer: BUYER, lines } });
  const told = [await watch.changed()];
  // The order has one entry of its own, and one for all of its products.
  expect((await entries()).last - before).toBe(2n);
  let resumeToken = watch.token();
  await watch.end();
  for (const at of [replica, company]) {
    const resumed = reading(at.products.watchProducts({ resumeToken, fromNow: true }));
    told.push(await resumed.changed());
    resumeToken = resumed.token();
    await resumed.end();
  }
  expect(named(told).toSorted()).toEqual(inOrder);
  for (const product of told) expect(product).toMatchObject({ stock: 9n });
  const resumed = reading(company.products.watchProducts({ resumeToken, fromNow: true }));
  const next = await company.products.adjustStock({ name: inOrder[0] ?? '', delta: 1n });
  expect(await resumed.changed()).toEqual(next);
  await resumed.end();
});

it('a watch of quotes has each state of a quote, and may be of one customer', async () => {
  const other = await company.customers.createCustomer({ customer: { displayName: 'O', email: 'o@example.com' } });
  const lines = [{ product: DESK, quantity: 1n }];
  const quote = await company.quotes.createQuote({ quote: { customer: other.name, lines } });
  const watch = reading(company.quotes.watchQuotes({ customer: other.name }));
  expect(await watch.snapshot()).toEqual([quote]);
  await KINDS.quotes.add(company);
  const { order } = await company.quotes.acceptQuote({ name: quote.name });
  const states = [await watch.changed(), await watch.changed()];
  expect(states).toMatchObject([
    { name: quote.name, state: QuoteState.QUOTE_STATE_ACCEPTING, order: order?.name },
    { name: quote.name, state: QuoteState.QUOTE_STATE_ACCEPTED, order: order?.name },
  ]);
  expect(states[1]).toEqual(await company.quotes.getQuote({ name: quote.name }));
  await watch.end();
  await refused(
    reading(company.quotes.watchQuotes({ resumeToken: watch.token() })).next(),
    'INVALID_ARGUMENT',
    'resume_token',
  );
});

it('a watch tells a handover to those who see all customers once, as a change of the customer', async () => {
  const { name } = await KINDS.customers.add(company);
  const quote = await company.quotes.createQuote({
    quote: { customer: name, lines: [{ product: DESK, quantity: 1n }] },
  });
  const watch = reading(company.customers.watchCustomers({ fromNow: true }));
  const watchOfQuotes = reading(company.quotes.watchQuotes({ fromNow: true }));
  await Promise.all([watch.snapshot(), watchOfQuotes.snapshot()]);
  const given = await company.customers.updateCustomer({ customer: { name, salesperson: 'ada' } });
  expect(await watch.changed()).toEqual(given);
  const deleted = await company.quotes.deleteQuote({ name: quote.name });
  expect(await watchOfQuotes.changed()).toEqual(deleted);
  await Promise.all([watch.end(), watchOfQuotes.end()]);
});
