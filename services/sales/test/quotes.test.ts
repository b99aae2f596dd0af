import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ResourceInfo } from '@rondo/contracts/google/rpc/error_details';
import type { DateMessage } from '@rondo/contracts/google/type/date';
import type { Product } from '@rondo/contracts/sales/v1/products';
import { QuoteState } from '@rondo/contracts/sales/v1/quotes';
import { addCustomer, addProduct, type Company, euros, testCompany } from './company.js';
import { refused } from './refused.js';

/** Noon of this day in UTC. */
const NOW = new Date('2026-06-15T12:00:00Z');
const day = (date: number): DateMessage => ({ year: 2026, month: 6, day: date });

const company = testCompany();
let customer: string;
let desk: Product;
beforeAll(async () => {
  customer = await addCustomer(company);
  desk = await addProduct(company, { title: 'Desk' });
});

describe('QuoteService', () => {
  beforeEach(() => {
    company.calculator.away = false;
  });

  const create = (quote: object, requestId = '') =>
    company.quotes.createQuote({ quote: { customer, ...quote }, requestId });
  const line = (product: string, quantity = 1n) => ({ product, quantity });

  it('prices the lines with the calculator: exactly, rounded once, at the present prices, once per request id', async () => {
    const lamp = await addProduct(company, { title: 'Lamp', unitPrice: euros(0n, 5) });
    const draft = {
      lines: [{ ...line(desk.name, 3n), discountPercent: { value: '15' } }, line(lamp.name, 7n)],
      discountPercent: { value: '2.5' },
      taxPercent: { value: '20' },
    };
    const requestId = randomUUID();
    const quote = await create(draft, requestId);
    expect(await create(draft, requestId)).toEqual(quote);
    // (3 · 19.99 · 0.85 + 7 · 0.05) · 0.975 = 50.0413875, and 1.2 times that 60.049665
    expect(quote).toMatchObject({ net: euros(50n, 4), tax: euros(10n, 1), total: euros(60n, 5) });
    expect(quote).toMatchObject({
      customer,
      lines: [
        {
          product: desk.name,
          quantity: 3n,
          discountPercent: { value: '15' },
          unitPrice: euros(19n, 99),
          title: 'Desk',
        },
        { product: lamp.name, quantity: 7n, discountPercent: undefined, unitPrice: euros(0n, 5), title: 'Lamp' },
      ],
      discountPercent: { value: '2.5' },
      taxPercent: { value: '20' },
      state: QuoteState.QUOTE_STATE_OPEN,
      order: '',
    });
    await expect(company.quotes.getQuote({ name: quote.name })).resolves.toEqual(quote);
  });

  it('names the unknown products, at most 16, so that the status fits into the headers of every client', async () => {
    const of = (count: number) => Array.from({ length: count }, (_, index) => line(`products/none-${index}`));
    const { error: two } = await refused(create({ lines: of(2) }), 'NOT_FOUND');
    expect(two.message).toBe(
      "products/none-0, products/none-1 don't exist; ProductService/ListProducts lists the existing products",
    );
    const { error: many } = await refused(create({ lines: of(100) }), 'NOT_FOUND', 'products/none-15 and 84 more');
    expect(many.details).toHaveLength(16);
    expect(many.detail(ResourceInfo)).toMatchObject({
      resourceName: 'products/none-0',
      description: "doesn't exist; ProductService/ListProducts lists the existing products",
    });
  });

  it('reports the first faults of a hundred lines, so that the status fits into the headers of every client', async () => {
    const lines = Array.from({ length: 100 }, (_, index) => ({
      product: 'x',
      quantity: index === 0 ? 0n : 1_000_001n,
    }));
    const { fields, error } = await refused(create({ lines }), 'INVALID_ARGUMENT');
    const first = [0, 1].flatMap((index) => [`quote.lines[${index}].product`, `quote.lines[${index}].quantity`]);
    expect(fields.slice(0, 4)).toEqual(first);
    expect(error.message).toMatch(/; and \d+ more$/);
  });

  it('accepts one product in several lines, and the largest quote', async () => {
    const { name: licence } = await addProduct(company, { deliveryEffortMinutes: 10n });
    const lines = Array.from({ length: 100 }, () => ({
      ...line(licence, 1_000_000n),
      discountPercent: { value: '0.0001' },
    }));
    const { total } = await create({ lines });
    // 100 · 1,000,000 · 19.99 · 0.999999
    expect(total).toEqual(euros(1_998_998_001n, 0));
  });

  it('refuses a line that takes more minutes to deliver than a task may have', async () => {
    const { name: product } = await addProduct(company, { deliveryEffortMinutes: 1_000_000n });
    const lines = [line(product, 10n), line(product, 11n)];
    const { fields } = await refused(create({ lines }), 'INVALID_ARGUMENT', 'takes 11000000 minutes to deliver');
    expect(fields).toEqual(['quote.lines[1].quantity']);
  });

  it('and an order refuse lines in different currencies, and name them', async () => {
    const imported = await addProduct(company, { unitPrice: { currencyCode: 'JPY', units: 500n, nanos: 0 } });
    const lines = [line(desk.name), line(imported.name)];
    const ofQuote = await refused(create({ lines }), 'INVALID_ARGUMENT', 'in JPY');
    expect(ofQuote.fields).toEqual(['quote.lines[1].product']);
    const ofOrder = await refused(
      company.orders.placeOrder({ order: { customer, lines } }),
      'INVALID_ARGUMENT',
      'in JPY',
    );
    expect(ofOrder.fields).toEqual(['order.lines[1].product']);
  });

  it('refuses a total that does not fit into an amount', async () => {
    const dear = await addProduct(company, { unitPrice: euros(9_223_372_036_854_775_807n, 99) });
    await refused(create({ lines: [line(dear.name, 2n)] }), 'OUT_OF_RANGE', '18446744073709551615.98 EUR');
  });
});

describe('a quote that is valid until a day', () => {
  let replica: Awaited<ReturnType<Company['startReplica']>>;
  let product: string;
  beforeAll(async () => {
    ({ name: product } = await addProduct(company));
    replica = await company.startReplica(undefined, { wallClock: { now: () => NOW } });
  });

  const create = (validUntilDate: DateMessage | undefined, quoteDate = day(1)) =>
    replica.quotes.createQuote({ quote: { customer, lines: [{ product, quantity: 1n }], quoteDate, validUntilDate } });

  it.each([
    ['without such a day', undefined, undefined],
    ['on the last day', day(15), undefined],
    ['on the last day west of Greenwich, where it is still yesterday', day(14), day(14)],
  ])('can be accepted %s', async (_when, validUntilDate, orderDate) => {
    const quote = await create(validUntilDate);
    expect(quote.validUntilDate).toEqual(validUntilDate);
    const { order } = await replica.quotes.acceptQuote({ name: quote.name, orderDate });
    expect(order?.quote).toBe(quote.name);
  });

  it.each([
    ['after the last day', day(14), undefined],
    ['with an order of a later day', day(15), day(16)],
    ['by an order of an earlier day, once the last day is over everywhere', day(13), day(12)],
  ])('can not be accepted %s; nothing is done', async (_when, validUntilDate, orderDate) => {
    const { name } = await create(validUntilDate);
    const stock = (await replica.products.getProduct({ name: product })).stock;
    const accepting = replica.quotes.acceptQuote({ name, orderDate });
    await refused(accepting, 'FAILED_PRECONDITION', `${name} was valid until 2026-06-${validUntilDate.day}; extend it`);
    expect((await replica.quotes.getQuote({ name })).state).toBe(QuoteState.QUOTE_STATE_OPEN);
    expect((await replica.products.getProduct({ name: product })).stock).toBe(stock);
  });

  it('can be extended, and stays accepted after its last day', async () => {
    const { name, etag } = await create(day(13));
    const extended = await replica.quotes.updateQuote({ quote: { name, validUntilDate: day(15) } });
    expect(extended.validUntilDate).toEqual(day(15));
    expect(extended.etag).not.toBe(etag);
    await replica.quotes.acceptQuote({ name });
    await company.quotes.acceptQuote({ name }); // years later, by this replica's clock
    const { name: other } = await create(day(13));
    const cleared = await replica.quotes.updateQuote({ quote: { name: other }, updateMask: ['valid_until_date'] });
    expect(cleared.validUntilDate).toBeUndefined();
  });

  it('is not valid before its first day', async () => {
    const { fields } = await refused(create(day(1), day(2)), 'INVALID_ARGUMENT', 'must not be before quote_date');
    expect(fields).toEqual(['quote.valid_until_date']);
    const { name } = await create(day(3));
    const update = replica.quotes.updateQuote({ quote: { name, quoteDate: day(4) } });
    await refused(update, 'INVALID_ARGUMENT', 'quote.valid_until_date');
  });
});
