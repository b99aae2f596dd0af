import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PreconditionFailure } from '@rondo/contracts/google/rpc/error_details';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { OrderPlaced, OrderState } from '@rondo/contracts/sales/v1/orders';
import type { Database, Transaction } from '@rondo/database';
import { eventually } from '@rondo/database/testing';
import { RpcError } from '@rondo/rpc/status';
import { SettableWallClock, untilAnswered } from '@rondo/rpc/testing';
import { addCustomer, addProduct, addQuote, euros, testCompany } from './company.js';
import { pileUp, unlocked } from './locks.js';
import { refused } from './refused.js';

describe('OrderService', () => {
  const company = testCompany();
  let customer: string;
  beforeAll(async () => {
    customer = await addCustomer(company);
  });
  beforeEach(() => {
    company.calculator.away = false;
    company.projects.failure = 'none';
  });

  const place = (order: object, requestId = '') =>
    company.orders.placeOrder({ order: { customer, ...order }, requestId });
  const buy = (product: string, quantity: bigint, requestId = '') =>
    place({ lines: [{ product, quantity }] }, requestId);
  const cancel = (name: string, etag = '') => company.orders.cancelOrder({ name, etag });
  const stockOf = async (name: string) => (await company.products.getProduct({ name })).stock;

  describe('PlaceOrder', () => {
    it('prices the lines with the calculator, takes the stock and stores the order', async () => {
      const desk = await addProduct(company, { title: 'Desk' });
      const lamp = await addProduct(company, { title: 'Lamp', unitPrice: euros(0n, 5) });
      const order = await place({
        lines: [
          { product: desk.name, quantity: 3n, discountPercent: { value: '15' } },
          { product: lamp.name, quantity: 7n },
        ],
        discountPercent: { value: '2.5' },
        taxPercent: { value: '20' },
        orderDate: { year: 2026, month: 2, day: 28 },
      });
      // The same price as in the test of quotes: 50.0413875, and 1.2 times that, 60.049665
      expect(order).toMatchObject({ net: euros(50n, 4), tax: euros(10n, 1), total: euros(60n, 5) });
      expect(order).toMatchObject({
        customer,
        quote: '',
        project: '',
        state: OrderState.ORDER_STATE_PLACED,
        orderDate: { year: 2026, month: 2, day: 28 },
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
      });
      expect(order.name).toMatch(/^orders\/[0-9a-f]{20}$/);
      await expect(company.orders.getOrder({ name: order.name })).resolves.toEqual(order);
      expect([await stockOf(desk.name), await stockOf(lamp.name)]).toEqual([7n, 3n]);
      const [event] = await company.database.query<{ event: Uint8Array }>(
        'SELECT event FROM topic_events WHERE key = $1',
        [order.name],
      );
      expect(OrderPlaced.decode(event?.event ?? new Uint8Array())).toEqual({ order: order.name, customer });
    });

    it('has the date of today if the request has none', async () => {
      const { name } = await addProduct(company);
      const wallClock = new SettableWallClock();
      const { orders, stop } = await company.startReplica(undefined, { wallClock });
      const buyToday = () => orders.placeOrder({ order: { customer, lines: [{ product: name, quantity: 1n }] } });
      // The wall clock is set, as after the sleep of a machine; the monotonic clock isn't affected.
      wallClock.set(new Date('2024-02-29T12:00:00Z'));
      expect((await buyToday()).orderDate).toEqual({ year: 2024, month: 2, day: 29 });
      wallClock.set(new Date('2023-12-31T00:00:00Z'));
      expect((await buyToday()).orderDate).toEqual({ year: 2023, month: 12, day: 31 });
      await stop();
    });

    it('reports every fault of a request at once', async () => {
      const lines = [{ product: 'desk', quantity: 0n, discountPercent: { value: '101' } }];
      const orderDate = { year: 2999, month: 1, day: 1 };
      const wrong = { customer: 'Ada', lines, discountPercent: { value: 'x' }, taxPercent: { value: '-1' }, orderDate };
      const { fields, error } = await refused(place(wrong, 'x'), 'INVALID_ARGUMENT');
      expect(fields).toEqual([
        'order.customer',
        'order.lines[0].product',
        'order.lines[0].quantity',
        'request_id',
        'order.lines[0].discount_percent',
        'order.discount_percent',
        'order.tax_percent',
        'order.order_date',
      ]);
      expect(error.message).toContain('order.order_date: must not be after ');
      const nowhere = {
        lines: [{ product: 'products/a', quantity: 1n }],
        orderDate: { year: 2026, month: 2, day: 30 },
      };
      await refused(place(nowhere), 'INVALID_ARGUMENT', 'order.order_date: must be a day of the years 1 to 9999');
      await refused(company.orders.placeOrder({}), 'INVALID_ARGUMENT', 'order.lines: is required: 1 to 100 lines');
    });

    it('reports an unknown or deleted customer or product, and takes no stock', async () => {
      const { name } = await addProduct(company);
      const lines = [{ product: name, quantity: 1n }];
      await refused(place({ customer: 'customers/nobody', lines }), 'NOT_FOUND', "customers/nobody doesn't exist");
      const gone = await addCustomer(company);
      await company.customers.deleteCustomer({ name: gone });
      await refused(
        place({ customer: gone, lines }),
        'NOT_FOUND',
        `${gone} is deleted; UndeleteCustomer brings it back`,
      );
      await refused(buy('products/none', 1n), 'NOT_FOUND', "products/none doesn't exist");
      await company.products.deleteProduct({ name });
      await refused(buy(name, 1n), 'NOT_FOUND', `${name} is deleted; UndeleteProduct brings it back`);
      expect(await stockOf(name)).toBe(10n);
    });

    it('refuses an order if the stock is too small, names all short products, and takes nothing', async () => {
      const [a, b, plenty] = [
        await addProduct(company, { stock: 2n }),
        await addProduct(company, { stock: 0n }),
        await addProduct(company),
      ];
      const lines = [a, plenty, a, b].map(({ name: product }) => ({ product, quantity: 2n }));
      const { error } = await refused(
        place({ lines }),
        'FAILED_PRECONDITION',
        'the stock is too small and nothing was taken',
      );
      const violations = error.detail(PreconditionFailure)?.violations ?? [];
      expect(new Map(violations.map(({ subject, description }) => [subject, description]))).toEqual(
        new Map([
          [a.name, `${a.name} has 2 in stock, but 4 are needed`],
          [b.name, `${b.name} has 0 in stock, but 2 are needed`],
        ]),
      );
      expect(await stockOf(plenty.name)).toBe(10n);
    });

    it('refuses a sold-out product without waiting for its lock', async () => {
      const { name } = await addProduct(company, { stock: 2n });
      const look = () => refused(buy(name, 3n), 'FAILED_PRECONDITION', `${name} has 2 in stock, but 3 are needed`);
      await pileUp({ ...company, product: name, look }, 0, async () => undefined);
    });

    it('fails without the calculator, and takes no stock', async () => {
      const { name } = await addProduct(company);
      company.calculator.away = true;
      await refused(buy(name, 1n), 'UNAVAILABLE', 'the calculator is unavailable, try again later');
      expect(await stockOf(name)).toBe(10n);
    });

    it('sells at the current price, also if it changes during the call', async () => {
      const { name } = await addProduct(company, { unitPrice: euros(1n, 0) });
      const buyTwo = () => Promise.all([buy(name, 1n), buy(name, 1n)]);
      // Both orders are priced at the old price, then wait for the lock of the product, whose price has changed by
      // then.
      const raise = 'UPDATE products SET unit_price_minor = 200, version = version + 1 WHERE id = $1';
      const change = (holder: Transaction) => holder.query(raise, [name.slice('products/'.length)]);
      const orders = await pileUp({ ...company, change }, 2, buyTwo);
      expect(orders.map(({ total }) => total)).toEqual([euros(2n, 0), euros(2n, 0)]);
      expect(await stockOf(name)).toBe(8n);
    });

    it('sells exactly the stock to 25 concurrent buyers, through two replicas', async () => {
      const { name } = await addProduct(company, { stock: 10n });
      const replica = await company.startReplica();
      try {
        const lines = [{ product: name, quantity: 1n }];
        const outcomes = await Promise.allSettled(
          Array.from({ length: 25 }, (_, index) => {
            const { orders } = index % 2 === 0 ? company : replica;
            const requestId = randomUUID();
            return untilAnswered(() => orders.placeOrder({ order: { customer, lines }, requestId }));
          }),
        );
        const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
        expect(refusals.map((error) => error instanceof RpcError && error.codeName)).toEqual(
          Array(15).fill('FAILED_PRECONDITION'),
        );
        expect(await stockOf(name)).toBe(0n);
      } finally {
        await replica.stop();
      }
    });

    it('locks products in the order of their ids, whatever the order of its lines', async () => {
      const stocked = await Promise.all(Array.from({ length: 3 }, () => addProduct(company)));
      const names = stocked.map(({ name }) => name).toSorted();
      const [first = '', second = '', third = ''] = names;
      const lines = [third, first, second].map((product) => ({ product, quantity: 1n }));
      let free: readonly string[] = [];
      const look = async (observer: Database) => {
        free = await unlocked(observer, names);
      };
      await pileUp({ ...company, product: second, look }, 1, () => place({ lines }));
      expect(free).toEqual([third]); // the order has locked the first and waits for the second
    });
  });

  describe('CancelOrder', () => {
    it('returns the stock once to repeated and concurrent calls', async () => {
      const { name: product } = await addProduct(company);
      const order = await place({ lines: [1n, 2n].map((quantity) => ({ product, quantity })) });
      expect(await stockOf(product)).toBe(7n);
      const replies = await Promise.all(Array.from({ length: 5 }, () => cancel(order.name, order.etag)));
      expect(replies[0]).toMatchObject({
        name: order.name,
        state: OrderState.ORDER_STATE_CANCELLED,
        lines: order.lines,
      });
      expect(replies[0]?.etag).not.toBe(order.etag);
      for (const reply of replies) expect(reply).toEqual(replies[0]);
      expect(await stockOf(product)).toBe(10n);
    });

    it.each([ProjectState.PROJECT_STATE_PLANNED, ProjectState.PROJECT_STATE_ACTIVE, ProjectState.PROJECT_STATE_DONE])(
      'archives the project, whatever its state (%s), as soon as project management is available again',
      async (state) => {
        const { name: product } = await addProduct(company);
        const quote = await addQuote(company, customer, { product, quantity: 1n });
        const { order } = await company.quotes.acceptQuote({ name: quote.name });
        const id = quote.name.split('/')[1] ?? '';
        await company.projects.database.query('UPDATE projects SET state = $2 WHERE id = $1', [id, state]);
        const { name = '' } = order ?? {};
        company.projects.failure = 'away';
        const cancelled = await cancel(name);
        await expect(cancel(name)).resolves.toEqual(cancelled);
        expect(cancelled).toMatchObject({ state: OrderState.ORDER_STATE_CANCELLED, project: `projects/${id}` });
        expect(await stockOf(product)).toBe(10n);
        const left = async () => (await company.jobs.listJobs({ method: 'sales.v1.OrderService/ArchiveProject' })).jobs;
        expect(await left()).toMatchObject([{ key: name }]);

        company.projects.failure = 'none';
        const archived = async () =>
          (await company.projects.projects()).find((one) => one.id === id)?.state ===
          ProjectState.PROJECT_STATE_ARCHIVED;
        await eventually('the project is archived', archived);
        await eventually('the job is done', async () => (await left()).length === 0);
      },
    );

    it('of a version before is finished: 200 sagas archive their projects', async () => {
      const ids = Array.from({ length: 200 }, (_, index) => `saga-${index}`);
      const insert = "INSERT INTO projects SELECT unnest($1::text[]), '', '{}', 1";
      await company.projects.database.query(insert, [ids]);
      await company.database.query(
        `INSERT INTO sagas (id, kind, subject, input, steps, state) SELECT 'cancel-order-' || id, 'cancel-order by name', 'orders/' || id,
           jsonb_build_object('project', 'projects/' || id), '["archive-project"]', 'running' FROM unnest($1::text[]) AS id`,
        [ids],
      );
      const isArchived = ({ state }: { readonly state: number }) => state === ProjectState.PROJECT_STATE_ARCHIVED;
      await eventually('the projects are archived', async () => {
        const projects = (await company.projects.projects()).filter(({ id }) => ids.includes(id));
        return projects.length === ids.length && projects.every(isArchived);
      });
      await eventually('the sagas are done', async () => (await company.transactions.listSagas({})).sagas.length === 0);
    });

    it('returns stock up to its limit', async () => {
      const { name: product } = await addProduct(company, { stock: 1_000_000_000n });
      const { name } = await buy(product, 2n);
      await company.products.adjustStock({ name: product, delta: 1n });
      await expect(cancel(name)).resolves.toMatchObject({ state: OrderState.ORDER_STATE_CANCELLED });
      await expect(company.products.getProduct({ name: product })).resolves.toMatchObject({ stock: 1_000_000_000n });
    });
  });

  it('has constraints in the database: cancelled is final, a stock is never negative, a quote with an order stays', async () => {
    const { name: product } = await addProduct(company);
    const { name } = await buy(product, 1n);
    await cancel(name);
    const quote = await addQuote(company, customer, { product, quantity: 1n });
    await company.quotes.acceptQuote({ name: quote.name });
    const broken = (sql: string, id: string) => expect(company.database.query(sql, [id.split('/')[1] ?? ''])).rejects;
    await broken("UPDATE orders SET state = 'placed' WHERE id = $1", name).toMatchObject({
      constraint: 'orders_cancelled_for_ever',
    });
    await broken('UPDATE orders SET total_minor = net_minor - 1 WHERE id = $1', name).toMatchObject({
      constraint: 'orders_total_above_net',
    });
    await broken("UPDATE orders SET project = 'projects/p' WHERE id = $1", name).toMatchObject({
      constraint: 'orders_project_of_quote',
    });
    await broken('UPDATE products SET stock = -1 WHERE id = $1', product).toMatchObject({
      constraint: 'products_stock_check',
    });
    await broken('UPDATE quotes SET delete_time = now() WHERE id = $1', quote.name).toMatchObject({
      constraint: 'orders_quote_is_live',
    });
  });
});
