import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addCustomer, type Company, startCompany } from './company.js';
import { refused } from './refused.js';

describe('sales without its database', () => {
  let company: Company;
  beforeAll(async () => {
    company = await startCompany();
  });
  afterAll(() => company.stop());

  it('fails soon and clearly, reads and writes alike', async () => {
    await addCustomer(company);
    await company.postgres.stop();
    const message = 'the database is unavailable, try again later';
    const { error } = await refused(company.customers.listCustomers({}), 'UNAVAILABLE', message);
    expect(error.message).toBe(message); // and no word of where it is
    await refused(addCustomer(company), 'UNAVAILABLE', message);
    await refused(company.quotes.acceptQuote({ name: 'quotes/a' }), 'UNAVAILABLE', message);
  });

  it('is not ready, and says why', async () => {
    const [database] = company.dependencies;
    expect(database?.name).toMatch(/^the database "test_1" at 127\.0\.0\.1:\d+$/);
    await expect(database?.check(AbortSignal.timeout(5_000))).rejects.toThrow('PostgreSQL is unavailable');
  });
});
