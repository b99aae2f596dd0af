import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addCustomer, type Company, startCompany } from './company.js';
import { refused } from './refused.js';

const BRIEF = { timeoutMs: 1_000 };

describe('sales without its database', () => {
  let company: Company;
  beforeAll(async () => {
    company = await startCompany();
  });
  afterAll(() => company.stop());

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
    await expect(database?.check(AbortSignal.timeout(5_000))).rejects.toThrow('PostgreSQL is unavailable');
  });
});
