import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createPool, type Database } from '@rondo/database';
import { addCustomer, addProduct, addQuote, type Company, startCompany } from './company.js';

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

it('deletes what was created before the clock of the database went back, and never before its last change', async () => {
  const customer = await addCustomer(company);
  const { name: product } = await addProduct(company);
  const { name: quote } = await addQuote(company, customer, { product, quantity: 1n });
  for (const table of ['customers', 'products', 'quotes']) {
    await database.query(
      `UPDATE ${table} SET create_time = create_time + interval '1 hour', update_time = update_time + interval '1 hour'`,
    );
  }
  for (const deletion of [
    company.quotes.deleteQuote({ name: quote }),
    company.products.deleteProduct({ name: product }),
    company.customers.deleteCustomer({ name: customer }),
  ]) {
    const { createTime, updateTime, deleteTime } = await deletion;
    expect(deleteTime).toEqual(updateTime);
    expect(deleteTime?.getTime()).toBeGreaterThanOrEqual(createTime?.getTime() ?? Infinity);
  }
});
