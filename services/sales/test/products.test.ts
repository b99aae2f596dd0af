import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { PreconditionFailure } from '@rondo/contracts/google/rpc/error_details';
import { addCustomer, addProduct, euros, testCompany } from './company.js';
import { pileUp } from './locks.js';
import { refused } from './refused.js';

const company = testCompany();

describe('ProductService', () => {
  const desk = {
    title: 'Desk',
    sku: 'DESK-160',
    unitPrice: { currencyCode: 'USD', units: 9_007_199_254_740_993n, nanos: 10_000_000 },
    stock: 1_000_000_000n,
    deliveryEffortMinutes: 1_000_000n,
  };
  const create = (fields: object, requestId = '') =>
    company.products.createProduct({ product: { ...desk, ...fields }, requestId });

  it('creates a product, once per request id, and reads it with every digit of its price', async () => {
    const requestId = randomUUID();
    const product = await create({}, requestId);
    expect(await create({}, requestId)).toEqual(product);
    expect(product).toMatchObject(desk);
    await expect(company.products.getProduct({ name: product.name })).resolves.toEqual(product);
    expect((await company.products.listProducts({})).products[0]).toEqual(product);
  });

  it('refuses the SKU of another product', async () => {
    await refused(create({ title: 'Other' }), 'ALREADY_EXISTS', 'the SKU DESK-160');
    await expect(create({ sku: 'desk-160' })).resolves.toMatchObject({ sku: 'desk-160' });
  });

  it('reports every fault of a request at once', async () => {
    const wrong = { title: '', sku: 'a b', unitPrice: undefined, stock: -1n, deliveryEffortMinutes: 1_000_001n };
    const { fields, error } = await refused(create(wrong, 'x'), 'INVALID_ARGUMENT');
    expect(fields).toEqual([
      'product.sku',
      'product.stock',
      'product.delivery_effort_minutes',
      'request_id',
      'product.title',
      'product.unit_price',
    ]);
    expect(error.message).toContain(
      'product.stock: must be greater than or equal to 0 and less than or equal to 1000000000',
    );
    await refused(
      create({ sku: 'owed', unitPrice: euros(-1n) }),
      'INVALID_ARGUMENT',
      'unit_price: must not be negative',
    );
  });

  describe('AdjustStock', () => {
    const adjust = (name: string, delta: bigint, requestId = '') =>
      company.products.adjustStock({ name, delta, requestId });

    it('refuses a stock below zero or above the limit', async () => {
      const { name } = await addProduct(company, { stock: 10n });
      const { error } = await refused(
        adjust(name, -11n),
        'FAILED_PRECONDITION',
        `${name} has 10 in stock, but 11 are needed`,
      );
      expect(error.detail(PreconditionFailure)?.violations).toEqual([
        { type: 'STOCK', subject: name, description: `${name} has 10 in stock, but 11 are needed` },
      ]);
      for (const delta of [0n, 1_000_000_001n]) await refused(adjust(name, delta), 'INVALID_ARGUMENT', 'delta: must');
      await refused(adjust(name, 1_000_000_000n), 'FAILED_PRECONDITION', 'would have 1000000010 in stock');
      await expect(company.products.getProduct({ name })).resolves.toMatchObject({ stock: 10n });
    });

    it('adds up concurrent changes', async () => {
      const { name } = await addProduct(company, { stock: 10n });
      await pileUp({ ...company, product: name }, 2, () => Promise.all([adjust(name, 2n), adjust(name, 3n)]));
      await expect(company.products.getProduct({ name })).resolves.toMatchObject({ stock: 15n });
    });
  });
});

it('a watch of changes begins with a message without a name, and has each product of a statement that changes some', async () => {
  const customer = await addCustomer(company);
  const watch = company.products.watchProductChanges({})[Symbol.asyncIterator]();
  const next = async () => (await watch.next()).value?.product;
  expect(await next()).toBe('');
  const names = [(await addProduct(company)).name, (await addProduct(company)).name];
  expect([await next(), await next()]).toEqual(names);
  await company.orders.placeOrder({ order: { customer, lines: names.map((product) => ({ product, quantity: 1n })) } });
  const last = await addProduct(company);
  expect(new Set([await next(), await next()])).toEqual(new Set(names));
  expect(await next()).toBe(last.name);
  await watch.return?.();
});
