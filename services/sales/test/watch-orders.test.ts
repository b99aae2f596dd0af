import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Order, WatchOrdersResponse } from '@rondo/contracts/sales/v1/orders';
import { addCustomer, addProduct, addQuote, type Company, startCompany } from './company.js';

/** Runs `work` with a watch that it reads message by message, and ends the watch after it. */
async function watching<T>(
  { orders }: Pick<Company, 'orders'>,
  request: { customer?: string; resumeToken?: string; fromNow?: boolean },
  work: (next: () => Promise<WatchOrdersResponse>) => Promise<T>,
): Promise<T> {
  const stream = orders.watchOrders(request)[Symbol.asyncIterator]();
  try {
    return await work(async () => {
      const { value, done } = await stream.next();
      if (done) throw new Error('the watch has ended');
      return value;
    });
  } finally {
    await stream.return?.();
  }
}

function changed({ event }: WatchOrdersResponse): Order {
  if (event?.$case !== 'orderChanged') throw new Error(`expected a change, got ${event?.$case}`);
  return event.value;
}

function snapshot({ event }: WatchOrdersResponse): { readonly orders: readonly Order[]; readonly more: boolean } {
  if (event?.$case !== 'snapshot') throw new Error(`expected a snapshot, got ${event?.$case}`);
  return event.value;
}

let company: Company;
let product: string;
beforeAll(async () => {
  company = await startCompany();
  ({ name: product } = await addProduct(company, { stock: 10_000n }));
});
afterAll(() => company.stop());

describe('WatchOrders', () => {
  let customer: string;
  beforeAll(async () => {
    customer = await addCustomer(company);
  });

  const place = (of = customer, quantity = 1n) =>
    company.orders.placeOrder({
      order: {
        customer: of,
        lines: [{ product, quantity, discountPercent: { value: '2.5' } }],
        discountPercent: { value: '1' },
        taxPercent: { value: '20' },
        orderDate: { year: 2026, month: 1, day: 31 },
      },
    });

  it('starts with a snapshot, then streams each order after each change, as GetOrder returns it', async () => {
    const before = await place();
    await watching(company, { customer }, async (next) => {
      expect(snapshot(await next())).toEqual({ orders: [before], first: true, more: false });
      const placed = await place();
      expect(changed(await next())).toEqual(placed);
      const cancelled = await company.orders.cancelOrder({ name: placed.name });
      expect(changed(await next())).toEqual(cancelled);
      await company.orders.cancelOrder({ name: placed.name }); // changes nothing

      const quote = await addQuote(company, customer, { product, quantity: 1n });
      const { order } = await company.quotes.acceptQuote({ name: quote.name });
      const made = changed(await next());
      expect(made).toMatchObject({ name: order?.name, quote: quote.name, project: '' });
      expect(changed(await next())).toEqual(order);
    });
  });

  it('streams the orders of one customer only', async () => {
    const other = await addCustomer(company);
    await watching(company, { customer: other }, async (next) => {
      expect(snapshot(await next()).orders).toEqual([]);
      await place();
      const its = await place(other);
      expect(changed(await next())).toEqual(its);
    });
  });
});
