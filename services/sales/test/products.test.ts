import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PreconditionFailure } from '@rondo/contracts/google/rpc/error_details';
import { addProduct, type Company, startCompany } from './company.js';
import { refused } from './refused.js';

describe('ProductService', () => {
  let company: Company;
  beforeAll(async () => {
    company = await startCompany();
  });
  afterAll(() => company.stop());

  const desk = {
    title: 'Desk',
    sku: 'DESK-160',
    unitPrice: { currencyCode: 'USD', units: 9_007_199_254_740_993n, nanos: 10_000_000 },
    stock: 1_000_000_000n,
    deliveryEffortMinutes: 1_000_000n,
  };
  const create = (fields: object, requestId = '') =>
    company.products.createProduct({ product: { ...desk, ...fields }, requestId });

  it('creates a product and reads it with every digit of its price', async () => {
    const product = await create({});
    expect(product).toMatchObject(desk);
    await expect(company.products.getProduct({ name: product.name })).resolves.toEqual(product);
    expect((await company.products.listProducts({})).products[0]).toEqual(product);
  });

  it('stores the largest amount as a price, and zero', async () => {
    const dearest = { currencyCode: 'KWD', units: 9_223_372_036_854_775_807n, nanos: 999_000_000 };
    await expect(create({ sku: 'dear', unitPrice: dearest })).resolves.toMatchObject({ unitPrice: dearest });
    const free = { currencyCode: 'JPY', units: 0n, nanos: 0 };
    await expect(create({ sku: 'free', unitPrice: free })).resolves.toMatchObject({ unitPrice: free });
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
  });

  it('reports that a product does not exist', async () => {
    await refused(company.products.getProduct({ name: 'products/none' }), 'NOT_FOUND', "products/none doesn't exist");
    await refused(
      company.products.adjustStock({ name: 'products/none', delta: 1n }),
      'NOT_FOUND',
      'ProductService/ListProducts',
    );
  });

  it('returns the first response to a repeated create, although the stock has changed', async () => {
    const requestId = randomUUID();
    const first = await create({ sku: 'again', stock: 5n }, requestId);
    await company.products.adjustStock({ name: first.name, delta: -5n });
    await expect(create({ sku: 'again', stock: 5n }, requestId)).resolves.toEqual(first);
    await refused(create({ sku: 'again', stock: 6n }, requestId), 'ALREADY_EXISTS', 'was used for another request');
  });

  describe('AdjustStock', () => {
    const adjust = (name: string, delta: bigint, requestId = '') =>
      company.products.adjustStock({ name, delta, requestId });

    it('adds to the stock and takes from it', async () => {
      const { name } = await addProduct(company, { stock: 10n });
      await expect(adjust(name, 5n)).resolves.toMatchObject({ stock: 15n });
      await expect(adjust(name, -15n)).resolves.toMatchObject({ stock: 0n });
    });

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
      await refused(adjust(name, 1_000_000_000n), 'FAILED_PRECONDITION', 'would have 1000000010 in stock');
      await expect(company.products.getProduct({ name })).resolves.toMatchObject({ stock: 10n });
    });

    it('reports the faults of a request', async () => {
      const { fields } = await refused(adjust('desk', 0n, 'x'), 'INVALID_ARGUMENT', 'delta: must not be in list [0]');
      expect(fields).toEqual(['name', 'delta', 'request_id']);
      await refused(
        adjust('products/a', 1_000_000_001n),
        'INVALID_ARGUMENT',
        'delta: must be greater than or equal to -1000000000 and less than or equal to 1000000000',
      );
    });

    it('is carried out once per request id; repetitions get the first response', async () => {
      const { name } = await addProduct(company, { stock: 10n });
      const requestId = randomUUID();
      const replies = await Promise.all(Array.from({ length: 8 }, () => adjust(name, -7n, requestId)));
      expect(replies.map(({ stock }) => stock)).toEqual(replies.map(() => 3n));
      await adjust(name, -3n);
      await expect(adjust(name, -7n, requestId)).resolves.toMatchObject({ stock: 3n });
      await expect(company.products.getProduct({ name })).resolves.toMatchObject({ stock: 0n });
      await refused(adjust(name, -1n, requestId), 'ALREADY_EXISTS', requestId);
    });

    it('applies all concurrent changes', async () => {
      const { name } = await addProduct(company, { stock: 0n });
      await Promise.all(Array.from({ length: 30 }, () => adjust(name, 2n)));
      await expect(company.products.getProduct({ name })).resolves.toMatchObject({ stock: 60n });
    });
  });
});
