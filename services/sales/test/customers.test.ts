import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addCustomer, type Company, startCompany } from './company.js';
import { refused } from './refused.js';

describe('CustomerService', () => {
  let company: Company;
  beforeAll(async () => {
    company = await startCompany();
  });
  afterAll(() => company.stop());

  const ada = { displayName: 'Ada Lovelace', email: 'Ada@example.com' };
  const create = (fields: object, requestId = '') =>
    company.customers.createCustomer({ customer: { ...ada, ...fields }, requestId });

  it('creates a customer, and finds it by its name', async () => {
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

  it('refuses an address that another has, whatever its case', async () => {
    await refused(
      create({ email: 'aDA@EXAMPLE.com' }),
      'ALREADY_EXISTS',
      'e-mail address aDA@EXAMPLE.com; use that customer',
    );
  });

  it('names every fault of a request at once, as the contract spells the fields', async () => {
    const faults = await refused(create({ displayName: ' ', email: 'nowhere' }, '7'), 'INVALID_ARGUMENT');
    expect(faults.fields).toEqual(['customer.display_name', 'customer.email', 'request_id']);
    const missing = await refused(company.customers.createCustomer({}), 'INVALID_ARGUMENT');
    expect(missing.fields).toEqual(['customer.display_name', 'customer.email']);
  });

  it('takes what a database could not store for a fault of the caller', async () => {
    await refused(create({ displayName: 'a\u0000b' }), 'INVALID_ARGUMENT', 'control characters');
    await refused(create({ displayName: '🦊'.repeat(201) }), 'INVALID_ARGUMENT', 'at most 200 characters; it has 201');
    await expect(create({ displayName: '🦊'.repeat(200), email: 'fox@example.com' })).resolves.toMatchObject({
      displayName: '🦊'.repeat(200),
    });
  });

  it('says the pattern of a name that is none, and the remedy where nobody has it', async () => {
    await refused(
      company.customers.getCustomer({ name: 'Ada' }),
      'INVALID_ARGUMENT',
      'customers/{customer}, where an id is 1 to 63 of a-z 0-9 -; it is "Ada"',
    );
    await refused(
      company.customers.getCustomer({ name: 'customers/nobody' }),
      'NOT_FOUND',
      'CustomerService/ListCustomers',
    );
  });

  describe('with a request id', () => {
    it('answers the same request with the first outcome, also when all come at once', async () => {
      const requestId = randomUUID();
      const all = await Promise.all(Array.from({ length: 8 }, () => create({ email: 'grace@example.com' }, requestId)));
      expect(new Set(all.map(({ name }) => name)).size).toBe(1);
      await expect(create({ email: 'grace@example.com' }, requestId.toUpperCase())).resolves.toEqual(all[0]);
    });

    it('refuses another request with it', async () => {
      const requestId = randomUUID();
      await create({ email: 'edsger@example.com' }, requestId);
      await refused(
        create({ email: 'other@example.com' }, requestId),
        'ALREADY_EXISTS',
        `request_id ${requestId} was used`,
      );
    });

    it('forgets a request that failed', async () => {
      const requestId = randomUUID();
      await refused(create({}, requestId), 'ALREADY_EXISTS', 'e-mail');
      await expect(create({ email: 'barbara@example.com' }, requestId)).resolves.toMatchObject({
        displayName: 'Ada Lovelace',
      });
    });
  });

  describe('lists', () => {
    const list = (pageSize: number, pageToken = '') => company.customers.listCustomers({ pageSize, pageToken });

    it('the newest first, each once, although others are added meanwhile', async () => {
      const names = [];
      for (let i = 0; i < 5; i += 1) names.unshift(await addCustomer(company));
      const first = await list(3);
      await addCustomer(company);
      const second = await list(2, first.nextPageToken);
      expect([...first.customers, ...second.customers].map(({ name }) => name)).toEqual(names);
    });

    it('to the end, where there is no further page', async () => {
      const { customers, nextPageToken } = await list(1000);
      expect(nextPageToken).toBe('');
      const exact = await list(customers.length);
      expect(exact).toEqual({ customers, nextPageToken: '' });
      await expect(list(0)).resolves.toEqual(exact);
    });

    it('at most 100 of them, whatever is asked for', async () => {
      for (let i = 0; i < 101; i += 1) await addCustomer(company);
      const page = await list(1000);
      expect(page.customers).toHaveLength(100);
      expect((await list(0)).customers).toHaveLength(50);
      expect((await list(100, page.nextPageToken)).customers.length).toBeGreaterThan(0);
    });

    it('nothing for a token that is none, or of another list, or a negative size', async () => {
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
});
