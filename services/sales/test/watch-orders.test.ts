import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Order, WatchOrdersResponse } from '@rondo/contracts/sales/v1/orders';
import { OrderState } from '@rondo/contracts/sales/v1/orders';
import { addCustomer, addProduct, addQuote, type Company, startCompany } from './company.js';
import { refused } from './refused.js';

/** A watch that is read step by step, and ends with the test. */
async function watching<T>(
  { orders }: Pick<Company, 'orders'>,
  request: { customer?: string; resumeToken?: string },
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
  if (event?.$case !== 'orderChanged') throw new Error(`no change but ${event?.$case}`);
  return event.value;
}

function snapshot({ event }: WatchOrdersResponse): { readonly orders: readonly Order[]; readonly more: boolean } {
  if (event?.$case !== 'snapshot') throw new Error(`no snapshot but ${event?.$case}`);
  return event.value;
}

describe('WatchOrders', () => {
  let company: Company;
  let customer: string;
  let product: string;
  beforeAll(async () => {
    company = await startCompany();
    customer = await addCustomer(company);
    ({ name: product } = await addProduct(company, { stock: 10_000n }));
  });
  afterAll(() => company.stop());

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

  it('tells the orders that there are, then each as it is after each change, as it would be read', async () => {
    const before = await place();
    await watching(company, { customer }, async (next) => {
      expect(snapshot(await next())).toEqual({ orders: [before], more: false });
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

  it('tells the orders of one customer alone', async () => {
    const other = await addCustomer(company);
    await watching(company, { customer: other }, async (next) => {
      expect(snapshot(await next()).orders).toEqual([]);
      await place();
      const its = await place(other);
      expect(changed(await next())).toEqual(its);
    });
  });

  it('goes on at another replica, with nothing lost and nothing told twice', async () => {
    const mine = await addCustomer(company);
    const replica = await company.startReplica();
    try {
      const resumeToken = await watching(company, { customer: mine }, async (next) => {
        await next();
        await place(mine);
        return (await next()).resumeToken;
      });
      const [second, third] = [await place(mine), await place(mine)];
      await watching(replica, { customer: mine, resumeToken }, async (next) => {
        expect([changed(await next()), changed(await next())]).toEqual([second, third]);
        const { name } = third;
        const { orders } = replica;
        const cancelled = await orders.cancelOrder({ name });
        expect(changed(await next())).toMatchObject({
          name,
          state: OrderState.ORDER_STATE_CANCELLED,
          etag: cancelled.etag,
        });
      });
    } finally {
      await replica.stop();
    }
  });

  it('tells many orders in parts of one moment', async () => {
    const many = await addCustomer(company);
    const names: string[] = [];
    // A few at a time: on a busy machine those that wait for a connection run out of time.
    while (names.length < 205) {
      const placed = await Promise.all(Array.from({ length: 5 }, () => place(many)));
      names.push(...placed.map(({ name }) => name));
    }
    await watching(company, { customer: many }, async (next) => {
      const parts = [snapshot(await next()), snapshot(await next())];
      const last = await next();
      expect(parts.map(({ orders, more }) => [orders.length, more])).toEqual([
        [100, true],
        [100, true],
      ]);
      expect(snapshot(last).more).toBe(false);
      expect(last.resumeToken).not.toBe('');
      const told = [...parts, snapshot(last)].flatMap(({ orders }) => orders.map(({ name }) => name));
      expect(told.toSorted()).toEqual(names.toSorted());
    });
  });

  it('refuses a token that is none, or of other orders', async () => {
    const first = (request: { customer?: string; resumeToken?: string }) =>
      watching(company, request, (next) => next());
    const { resumeToken } = await first({ customer });
    for (const wrong of [{ customer, resumeToken: 'x' }, { resumeToken }]) {
      const { fields } = await refused(
        first(wrong),
        'INVALID_ARGUMENT',
        'resume_token: must be that of an earlier message',
      );
      expect(fields).toEqual(['resume_token']);
    }
    await refused(
      first({ customer: 'Ada' }),
      'INVALID_ARGUMENT',
      'customer: must be of the pattern customers/{customer}',
    );
  });
});
