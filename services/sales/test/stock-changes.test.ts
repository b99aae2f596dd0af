import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type StockChange, StockChangeReason } from '@rondo/contracts/sales/v1/products';
import { createPool, type Database, migrate } from '@rondo/database';
import { syncSchema } from '@rondo/resources';
import { RpcError } from '@rondo/rpc/status';
import { untilAnswered } from '@rondo/rpc/testing';
import { addCustomer, addProduct, addQuote, type Company, callersOf, startCompany } from './company.js';
import { refused } from './refused.js';

const {
  STOCK_CHANGE_REASON_UNSPECIFIED: UNSPECIFIED,
  STOCK_CHANGE_REASON_OPENING: OPENING,
  STOCK_CHANGE_REASON_CREATED: CREATED,
  STOCK_CHANGE_REASON_ADJUSTED: ADJUSTED,
  STOCK_CHANGE_REASON_ORDERED: ORDERED,
  STOCK_CHANGE_REASON_ORDER_CANCELLED: ORDER_CANCELLED,
} = StockChangeReason;

type Products = Pick<Company['products'], 'listStockChanges'>;

/** All changes of a product, page by page. */
async function changesOf(products: Products, parent: string, request: object = {}): Promise<StockChange[]> {
  const changes: StockChange[] = [];
  for (let pageToken = ''; ; ) {
    const page = await products.listStockChanges({ parent, pageSize: 100, ...request, pageToken });
    changes.push(...page.stockChanges);
    if (page.nextPageToken === '') return changes;
    pageToken = page.nextPageToken;
  }
}

const brief = ({ delta, stock, reason, reference }: StockChange) => [delta, stock, reason, reference];

/** Checks that the changes lead from nothing to the product's stock, each from the one before, in the order of time. */
function requireComplete(changes: readonly StockChange[], stock: bigint): void {
  let sum = 0n;
  let time = 0;
  for (const change of changes.toReversed()) {
    sum += change.delta;
    expect(change.stock).toBe(sum);
    expect(change.createTime?.getTime()).toBeGreaterThanOrEqual(time);
    time = change.createTime?.getTime() ?? 0;
  }
  expect(sum).toBe(stock);
}

/** The products whose changes don't add up to their stock. */
const unequal = (database: Database) =>
  database.query<{ id: string }>(`
    SELECT id FROM products LEFT JOIN stock_changes ON product_id = id
    GROUP BY id HAVING products.stock <> coalesce(sum(delta), 0)`);

describe('the changes of a stock', () => {
  let company: Company;
  let database: Database;
  let customer: string;
  beforeAll(async () => {
    company = await startCompany();
    database = createPool({ url: company.databaseUrl, maxConnections: 2 });
    customer = await addCustomer(company);
  });
  afterAll(async () => {
    expect(await unequal(database)).toEqual([]);
    await database.close();
    await company.stop();
  });
  const place = (product: string, quantity: bigint) =>
    company.orders.placeOrder({ order: { customer, lines: [{ product, quantity }] } });

  it('have their reasons and what they refer to, the latest first', async () => {
    const { name } = await addProduct(company, { stock: 10n });
    const order = await place(name, 3n);
    await company.products.adjustStock({ name, delta: 5n, reference: 'delivery note 4711' });
    await company.products.adjustStock({ name, delta: -1n });
    await company.orders.cancelOrder({ name: order.name });
    const quote = await addQuote(company, customer, { product: name, quantity: 2n });
    const { order: accepted } = await company.quotes.acceptQuote({ name: quote.name });
    await company.products.updateProduct({ product: { name, title: 'Another title' } });
    await company.products.deleteProduct({ name });
    const changes = await changesOf(company.products, name);
    expect(changes.map(brief)).toEqual([
      [-2n, 12n, ORDERED, accepted?.name],
      [3n, 14n, ORDER_CANCELLED, order.name],
      [-1n, 11n, ADJUSTED, ''],
      [5n, 12n, ADJUSTED, 'delivery note 4711'],
      [-3n, 7n, ORDERED, order.name],
      [10n, 10n, CREATED, ''],
    ]);
    requireComplete(changes, 12n);
    const pattern = new RegExp(`^${name}/stockChanges/[0-9]+$`);
    for (const change of changes) expect(change.name).toMatch(pattern);
    expect(new Set(changes.map((change) => change.name)).size).toBe(6);
    const filter = 'reason = ORDERED AND create_time > "2020-01-01T00:00:00Z"';
    expect(await changesOf(company.products, name, { filter })).toEqual([changes[0], changes[4]]);
    const pages = await changesOf(company.products, name, { pageSize: 1 });
    expect(pages).toEqual(changes);
    expect(await changesOf(company.products, name, { pageSize: 1, orderBy: 'create_time' })).toEqual(
      changes.toReversed(),
    );
  });

  it('are of each product of an order, and none is of what had no effect', async () => {
    const [desk, lamp, empty] = [
      await addProduct(company, { stock: 5n }),
      await addProduct(company, { stock: 5n }),
      await addProduct(company, { stock: 0n }),
    ];
    const lines = [desk, lamp, desk].map(({ name: product }) => ({ product, quantity: 1n }));
    const { name: order } = await company.orders.placeOrder({ order: { customer, lines } });
    await refused(place(desk.name, 100n), 'FAILED_PRECONDITION');
    await refused(company.products.adjustStock({ name: lamp.name, delta: -100n }), 'FAILED_PRECONDITION');
    expect((await changesOf(company.products, desk.name)).map(brief)).toEqual([
      [-2n, 3n, ORDERED, order],
      [5n, 5n, CREATED, ''],
    ]);
    expect((await changesOf(company.products, lamp.name)).map(brief)).toEqual([
      [-1n, 4n, ORDERED, order],
      [5n, 5n, CREATED, ''],
    ]);
    expect(await changesOf(company.products, empty.name)).toEqual([]);
  });

  it('are refused for a product that does not exist, an invalid reference, an unknown order', async () => {
    await refused(company.products.listStockChanges({ parent: 'products/none' }), 'NOT_FOUND', "products/none doesn't");
    const { name } = await addProduct(company);
    const long = company.products.adjustStock({ name, delta: 1n, reference: 'x'.repeat(201) });
    expect((await refused(long, 'INVALID_ARGUMENT')).fields).toEqual(['reference']);
    await expect(
      company.products.adjustStock({ name, delta: 1n, reference: `{"reason": "'\\${'🦊'.repeat(100)}` }),
    ).resolves.toMatchObject({ stock: 11n });
    const byStock = company.products.listStockChanges({ parent: name, orderBy: 'stock' });
    await refused(byStock, 'INVALID_ARGUMENT', 'order_by: must be one of create_time, alone or followed by desc');
  });

  it('say who made them, and hide orders of other salespeople', async () => {
    const as = callersOf(company);
    const rights = ['sales.read', 'sales.write'];
    const [ada, bob, root] = [as('ada', ...rights), as('bob', ...rights), as('root', ...rights, 'sales.admin')];
    const { name } = await root.products.createProduct({
      product: { title: 'Desk', sku: 'WHO', unitPrice: { currencyCode: 'EUR', units: 1n, nanos: 0 }, stock: 9n },
    });
    const own = await ada.customers.createCustomer({ customer: { displayName: 'A', email: 'who@example.com' } });
    const lines = [{ product: name, quantity: 1n }];
    const order = await ada.orders.placeOrder({ order: { customer: own.name, lines } });
    await ada.orders.cancelOrder({ name: order.name });
    const quote = await ada.quotes.createQuote({ quote: { customer: own.name, lines } });
    const { order: accepted } = await ada.quotes.acceptQuote({ name: quote.name });
    await bob.products.adjustStock({ name, delta: 1n, reference: order.name });
    const seen = async (products: Products, filter = '') =>
      (await changesOf(products, name, { filter })).map(({ reference, subject }) => [reference, subject]);
    const all = [
      [order.name, 'bob'],
      [accepted?.name, 'ada'],
      [order.name, 'ada'],
      [order.name, 'ada'],
      ['', 'root'],
    ];
    for (const { products } of [ada, root, company]) expect(await seen(products)).toEqual(all);
    expect(await seen(bob.products)).toEqual([
      [order.name, 'bob'],
      ['', ''],
      ['', ''],
      ['', ''],
      ['', 'root'],
    ]);
    expect(await seen(bob.products, `reference = "${order.name}"`)).toEqual([[order.name, 'bob']]);
    expect(await seen(bob.products, `reference = "${accepted?.name}"`)).toEqual([]);
    expect(await seen(ada.products, `reference = "${accepted?.name}"`)).toEqual([[accepted?.name, 'ada']]);
  });

  it('are complete for statements of the version before, which tells no reason', async () => {
    const { name } = await addProduct(company, { stock: 10n });
    const id = name.slice('products/'.length);
    await place(name, 1n);
    await database.transaction(async (transaction) => {
      await transaction.query('SELECT FROM products WHERE id = $1 FOR NO KEY UPDATE', [id]);
      await transaction.query('UPDATE products SET stock = stock - 4 WHERE id = $1', [id]);
      await transaction.query('UPDATE products SET stock = stock, title = $2 WHERE id = $1', [id, 'T']);
    });
    await database.query(
      `INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
       SELECT 'before-' || n, 'T', 'BEFORE-' || n, 'EUR', 1, n, 0 FROM generate_series(0, 2) AS n`,
    );
    await database.query(`UPDATE products SET stock = stock + 1 WHERE id LIKE 'before-%'`);
    expect((await changesOf(company.products, name)).map(brief).slice(0, 1)).toEqual([[-4n, 5n, UNSPECIFIED, '']]);
    expect((await changesOf(company.products, 'products/before-2')).map(brief)).toEqual([
      [1n, 3n, UNSPECIFIED, ''],
      [2n, 2n, CREATED, ''],
    ]);
  });

  it('keep their order if the clock of the database goes back', async () => {
    const { name } = await addProduct(company, { stock: 10n });
    const id = name.slice('products/'.length);
    await database.query("UPDATE stock_changes SET create_time = now() + interval '1 hour' WHERE product_id = $1", [
      id,
    ]);
    await place(name, 1n);
    await place(name, 2n);
    const changes = await changesOf(company.products, name);
    expect(changes.map(({ delta }) => delta)).toEqual([-2n, -1n, 10n]);
    requireComplete(changes, 7n);
  });

  it('are complete after 100 buyers, cancellations and adjustments at once, through two replicas', async () => {
    const replica = await company.startReplica();
    const products = await Promise.all(Array.from({ length: 3 }, () => addProduct(company, { stock: 25n })));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, async (_, index) => {
        const { orders, products: stocks } = index % 2 === 0 ? company : replica;
        const lines = products.slice(index % 3).map(({ name: product }) => ({ product, quantity: 1n }));
        const requestId = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
        const order = await untilAnswered(() => orders.placeOrder({ order: { customer, lines }, requestId }));
        if (index % 7 === 0) await untilAnswered(() => orders.cancelOrder({ name: order.name }));
        const name = products[index % 3]?.name ?? '';
        if (index % 11 === 0) await untilAnswered(() => stocks.adjustStock({ name, delta: 1n, requestId }));
      }),
    );
    await replica.stop();
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refusals.length).toBeGreaterThan(0);
    for (const error of refusals) expect(error instanceof RpcError && error.codeName).toBe('FAILED_PRECONDITION');
    for (const { name } of products) {
      const { stock } = await company.products.getProduct({ name });
      const changes = await changesOf(company.products, name);
      requireComplete(changes, stock);
      const ordered = changes.filter(({ reason }) => reason === ORDERED);
      expect(new Set(ordered.map(({ reference }) => reference)).size).toBe(ordered.length);
    }
  });
});

describe('the stock of products from before', () => {
  const STOCKS = [0n, 7n, 1_000_000n, 1_000_000_000n];

  /** The migrations of the version before. */
  async function migrationsBefore() {
    const folder = new URL('../migrations/', import.meta.url);
    const names = (await readdir(folder)).filter((name) => name < '0014');
    return Promise.all(names.map(async (name) => ({ name, sql: await readFile(new URL(name, folder), 'utf8') })));
  }

  it('is the opening change, also while replicas of the version before go on', async () => {
    let stopped = false;
    let changing: Promise<unknown> = Promise.resolve();
    let before: Database | undefined;
    const company = await startCompany(async (url) => {
      const database = createPool({ url, maxConnections: 8 });
      before = database;
      await migrate(database, { part: syncSchema.name, migrations: syncSchema.migrations });
      await migrate(database, { migrations: await migrationsBefore() });
      await database.query(
        `INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes, create_time, update_time)
         SELECT 'p' || n, 'T', 'S' || n, 'EUR', 1, ($1::bigint[])[1 + n % 4], 0, '2020-01-01', '2020-01-01'
         FROM generate_series(0, 499) AS n`,
        [STOCKS],
      );
      const change = async (first: number): Promise<void> => {
        for (let n = first; !stopped; n = (n + 4) % 200) {
          await database.query('UPDATE products SET stock = stock - 1 WHERE id = $1 AND stock > 0', [`p${n}`]);
        }
      };
      changing = Promise.all([0, 1, 2, 3].map(change));
    });
    try {
      stopped = true;
      await changing;
      if (before === undefined) throw new Error('there is no database');
      expect(await unequal(before)).toEqual([]);
      const [{ count } = { count: 0n }] = await before.query<{ count: bigint }>(
        "SELECT count(*) FROM stock_changes WHERE reason = 'UNSPECIFIED'",
      );
      expect(count).toBeGreaterThan(0n);
      for (const id of ['p1', 'p2', 'p3', 'p498', 'p499']) {
        const { stock } = await company.products.getProduct({ name: `products/${id}` });
        const changes = await changesOf(company.products, `products/${id}`);
        requireComplete(changes, stock);
        expect(changes.at(-1)?.reason).toBe(OPENING);
      }
      expect(await changesOf(company.products, 'products/p496')).toEqual([]);
    } finally {
      stopped = true;
      await before?.close();
      await company.stop();
    }
  });
});
