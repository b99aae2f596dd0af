import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPool, type Database, type Transaction } from '@rondo/database';
import { addCustomer, addProduct, type Company, startCompany } from './company.js';
import { pileUp } from './locks.js';
import { refused } from './refused.js';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.stop());

describe('CustomerService', () => {
  const ada = { displayName: 'Ada Lovelace', email: 'Ada@example.com' };
  const create = (fields: object, requestId = '') =>
    company.customers.createCustomer({ customer: { ...ada, ...fields }, requestId });

  it('creates a customer and reads it by its name', async () => {
    const before = Date.now();
    const customer = await create({});
    const after = Date.now();
    expect(customer).toMatchObject(ada);
    expect(customer.name).toMatch(/^customers\/[0-9a-f]{20}$/);
    // The database rounds to a millisecond.
    expect(customer.createTime?.getTime()).toBeGreaterThanOrEqual(before - 1);
    expect(customer.createTime?.getTime()).toBeLessThanOrEqual(after + 1);
    await expect(company.customers.getCustomer({ name: customer.name })).resolves.toEqual(customer);
  });

  it('refuses the e-mail address of another customer, ignoring case', async () => {
    await refused(
      create({ email: 'aDA@EXAMPLE.com' }),
      'ALREADY_EXISTS',
      'e-mail address aDA@EXAMPLE.com; use that customer',
    );
  });

  it('reports every fault of a request at once, with the field names of the contract', async () => {
    const faults = await refused(create({ displayName: ' ', email: 'nowhere' }, '7'), 'INVALID_ARGUMENT');
    expect(faults.fields).toEqual(['customer.email', 'request_id', 'customer.display_name']);
    const missing = await refused(company.customers.createCustomer({}), 'INVALID_ARGUMENT');
    expect(missing.fields).toEqual(['customer.display_name', 'customer.email']);
  });

  it('refuses text that the database can not store', async () => {
    await refused(
      create({ displayName: 'a\u0000b' }),
      'INVALID_ARGUMENT',
      'customer.display_name: must be valid UTF-8',
    );
    await refused(create({ displayName: 'a\u0001b' }), 'INVALID_ARGUMENT', 'must match the pattern');
    await refused(create({ displayName: '🦊'.repeat(201) }), 'INVALID_ARGUMENT', 'must be at most 200 characters');
    await expect(create({ displayName: '🦊'.repeat(200), email: 'fox@example.com' })).resolves.toMatchObject({
      displayName: '🦊'.repeat(200),
    });
  });

  it('reports the pattern for an invalid name, and the remedy for an unknown one', async () => {
    await refused(
      company.customers.getCustomer({ name: 'Ada' }),
      'INVALID_ARGUMENT',
      'name: must match the pattern `^customers/[a-z0-9][a-z0-9-]{0,62}$`',
    );
    await refused(
      company.customers.getCustomer({ name: 'customers/nobody' }),
      'NOT_FOUND',
      'CustomerService/ListCustomers',
    );
  });

  describe('with a request id', () => {
    it('gives the same request the same response, also to concurrent calls', async () => {
      const requestId = randomUUID();
      const all = await Promise.all(Array.from({ length: 8 }, () => create({ email: 'grace@example.com' }, requestId)));
      expect(new Set(all.map(({ name }) => name)).size).toBe(1);
      await expect(create({ email: 'grace@example.com' }, requestId.toUpperCase())).resolves.toEqual(all[0]);
    });

    it('refuses a different request with the same id', async () => {
      const requestId = randomUUID();
      await create({ email: 'edsger@example.com' }, requestId);
      await refused(
        create({ email: 'other@example.com' }, requestId),
        'ALREADY_EXISTS',
        `request_id ${requestId} was used`,
      );
    });

    it('does not keep the id of a failed request', async () => {
      const requestId = randomUUID();
      await refused(create({}, requestId), 'ALREADY_EXISTS', 'e-mail');
      await expect(create({ email: 'barbara@example.com' }, requestId)).resolves.toMatchObject({
        displayName: 'Ada Lovelace',
      });
    });
  });

  describe('ListCustomers', () => {
    const list = (pageSize: number, pageToken = '') => company.customers.listCustomers({ pageSize, pageToken });

    it('lists the newest first, each once, while customers are added', async () => {
      const names = [];
      for (let i = 0; i < 5; i += 1) names.unshift(await addCustomer(company));
      const first = await list(3);
      await addCustomer(company);
      const second = await list(2, first.nextPageToken);
      expect([...first.customers, ...second.customers].map(({ name }) => name)).toEqual(names);
    });

    it('has no next page token at the end', async () => {
      const { customers, nextPageToken } = await list(1000);
      expect(nextPageToken).toBe('');
      const exact = await list(customers.length);
      expect(exact).toEqual({ customers, nextPageToken: '' });
      await expect(list(0)).resolves.toEqual(exact);
    });

    it('returns at most 100 customers a page', async () => {
      const database = createPool({ url: company.databaseUrl, maxConnections: 1 });
      await database.query(
        `INSERT INTO customers (id, display_name, email)
         SELECT 'many-' || n, 'M', 'many-' || n || '@example.com' FROM generate_series(1, 101) AS n`,
      );
      await database.close();
      const page = await list(1000);
      expect(page.customers).toHaveLength(100);
      expect((await list(0)).customers).toHaveLength(50);
      expect((await list(100, page.nextPageToken)).customers.length).toBeGreaterThan(0);
    });

    it('refuses an invalid token, the token of another list, and a negative size', async () => {
      const { nextPageToken } = await list(1);
      const { fields } = await refused(list(-1, 'x'), 'INVALID_ARGUMENT', 'page_size: must not be negative');
      expect(fields).toEqual(['page_size', 'page_token']);
      await refused(
        company.products.listProducts({ pageToken: nextPageToken }),
        'INVALID_ARGUMENT',
        'page_token: must be',
      );
    });
  });

  it('an order that waits for its customer, such as for a handover, locks no product', async () => {
    const customer = await addCustomer(company);
    const { name: product } = await addProduct(company);
    const change = (holder: Transaction) =>
      holder.query('SELECT FROM customers WHERE id = $1 FOR NO KEY UPDATE', [customer.slice('customers/'.length)]);
    let free = 0;
    const look = async (observer: Database) => {
      const sql = 'SELECT FROM products WHERE id = $1 FOR UPDATE SKIP LOCKED';
      free = (await observer.query(sql, [product.slice('products/'.length)])).length;
    };
    const order = { customer, lines: [{ product, quantity: 1n }] };
    const placed = await pileUp({ ...company, product: 'products/none', change, look }, 1, () =>
      company.orders.placeOrder({ order, requestId: randomUUID() }),
    );
    expect(placed.customer).toBe(customer);
    expect(free).toBe(1);
  });
});

const BRIEF = { timeoutMs: 1_000 };

/** The last tests: they stop the database. */
describe('sales without its database', () => {
  it('waits for the database within the deadline, then fails reads and writes with the same clear error', async () => {
    await addCustomer(company);
    await company.postgres.stop();
    const message = 'the database is unavailable; try again later';
    const began = performance.now();
    const { error } = await refused(company.customers.listCustomers({}, BRIEF), 'UNAVAILABLE', message);
    expect(error.message).toBe(message); // without the address of the database
    expect(performance.now() - began).toBeGreaterThan(600);
    const customer = { displayName: 'Ada', email: 'ada@example.com' };
    await refused(company.customers.createCustomer({ customer }, BRIEF), 'UNAVAILABLE', message);
    await refused(company.quotes.acceptQuote({ name: 'quotes/a' }, BRIEF), 'UNAVAILABLE', message);
  });

  it('is not ready, and reports why', async () => {
    const [database] = company.dependencies;
    expect(database?.name).toMatch(/^the database "test_1" at 127\.0\.0\.1:\d+$/);
    await expect(database?.check(new AbortController().signal)).rejects.toThrow('PostgreSQL is unavailable');
  });
});
