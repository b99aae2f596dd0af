import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Database, Transaction } from '@rondo/database';
import { addCustomer, addProduct, testCompany } from './company.js';
import { pileUp } from './locks.js';
import { refused } from './refused.js';

const company = testCompany();

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
    const { fields } = await refused(create({ displayName: ' ', email: 'nowhere' }), 'INVALID_ARGUMENT');
    expect(fields).toEqual(['customer.email', 'customer.display_name']);
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
