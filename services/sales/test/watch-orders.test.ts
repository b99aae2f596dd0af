import { type ClientHttp2Session, connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Order,
  OrderServiceDefinition,
  OrderState,
  WatchOrdersRequest,
  type WatchOrdersResponse,
} from '@rondo/contracts/sales/v1/orders';
import { createPool, type Database } from '@rondo/database';
import { eventually } from '@rondo/database/testing';
import { type Channel, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createRouter, type RpcServer, serve } from '@rondo/rpc/server';
import { ManualClock } from '@rondo/rpc/testing';
import { addCustomer, addProduct, addQuote, type Company, startCompany } from './company.js';
import { refused } from './refused.js';

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
let admin: Database;
let product: string;
beforeAll(async () => {
  company = await startCompany();
  admin = createPool({ url: company.databaseUrl, maxConnections: 1 });
  ({ name: product } = await addProduct(company, { stock: 10_000n }));
});
afterAll(async () => {
  await admin.close();
  await company.stop();
});

const FILL = `
  INSERT INTO orders (id, customer_id, order_date, discount_percent, tax_percent, currency, net_minor, total_minor)
  SELECT $1 || n, $1, '2026-01-31', 0, 0, 'EUR', 1, 1 FROM generate_series(1, $2::int) AS n`;
const FILL_LINES = `
  INSERT INTO order_lines (order_id, position, product_id, quantity, discount_percent, title, unit_price_minor)
  SELECT $1 || n, 1, $3, 1, 0, 'Desk', 1 FROM generate_series(1, $2::int) AS n`;

/** Adds orders to the database, fast. Returns their names. */
async function fill(customer: string, count: number): Promise<readonly string[]> {
  const id = customer.slice('customers/'.length);
  await admin.query(FILL, [id, count]);
  await admin.query(FILL_LINES, [id, count, product.slice('products/'.length)]);
  return Array.from({ length: count }, (_, index) => `orders/${id}${index + 1}`);
}

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

  it('resumes at another replica without losing or repeating a change', async () => {
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

  it('streams a large snapshot in parts, with the changes between them, and resumes in the middle', async () => {
    const many = await addCustomer(company);
    const orders = await fill(many, 205);
    const told = new Map<string, Order>();
    const tell = (part: readonly Order[]) => {
      for (const order of part) told.set(order.name, order);
    };
    const resumeToken = await watching(company, { customer: many }, async (next) => {
      const first = await next();
      expect(snapshot(first)).toMatchObject({ first: true, more: true });
      expect(snapshot(first).orders).toHaveLength(100);
      tell(snapshot(first).orders);
      return first.resumeToken;
    });
    const [early] = told.keys();
    const late = orders.find((name) => !told.has(name)) ?? '';
    for (const name of [early ?? '', late]) await company.orders.cancelOrder({ name });
    const replica = await company.startReplica();
    try {
      // The change of an order that the watcher has comes before the next part; the other order's part has it.
      await eventually('the changes are relayed', () =>
        watching(
          replica,
          { customer: many, resumeToken },
          async (next) => (await next()).event?.$case === 'orderChanged',
        ),
      );
      await watching(replica, { customer: many, resumeToken }, async (next) => {
        const changedEarly = changed(await next());
        expect(changedEarly).toMatchObject({ name: early, state: OrderState.ORDER_STATE_CANCELLED });
        tell([changedEarly]);
        for (const more of [true, false]) {
          const part = snapshot(await next());
          expect(part).toMatchObject({ first: false, more });
          tell(part.orders);
        }
        const placed = await place(many);
        expect(changed(await next())).toEqual(placed);
      });
    } finally {
      await replica.stop();
    }
    expect([...told.keys()].toSorted()).toEqual(orders.toSorted());
    expect(told.get(late)?.state).toBe(OrderState.ORDER_STATE_CANCELLED);
  });

  it('streams only what changes from now on, if that is asked', async () => {
    const existing = await place();
    const resumeToken = await watching(company, { customer, fromNow: true }, async (next) => {
      expect(snapshot(await next())).toEqual({ orders: [], first: true, more: false });
      const cancelled = await company.orders.cancelOrder({ name: existing.name });
      const message = await next();
      expect(changed(message)).toEqual(cancelled);
      return message.resumeToken;
    });
    const placed = await place();
    await watching(company, { customer, fromNow: true, resumeToken }, async (next) => {
      expect(changed(await next())).toEqual(placed);
    });
    await refused(
      watching(company, { customer, resumeToken }, (next) => next()),
      'INVALID_ARGUMENT',
      'resume_token',
    );
  });

  it('refuses an invalid token, and one of a different watch', async () => {
    const first = (request: { customer?: string; resumeToken?: string }) =>
      watching(company, request, (next) => next());
    const { resumeToken } = await first({ customer });
    for (const wrong of [{ customer, resumeToken: 'x' }, { resumeToken }]) {
      const { fields } = await refused(
        first(wrong),
        'INVALID_ARGUMENT',
        'resume_token: must be the token of an earlier message',
      );
      expect(fields).toEqual(['resume_token']);
    }
    await refused(first({ customer: 'Ada' }), 'INVALID_ARGUMENT', 'customer: must match the pattern `^customers/');
  });
});

/** Far more orders than fit into the windows and buffers of an unread connection, and more than a snapshot in memory has. */
const ORDERS = 6_000;
/** More than have a large snapshot at once, or one in memory. */
const STALLED = 8;

/** Starts a watch on a connection of its own and never reads it. Resolves when the response has begun. */
function watchUnread(address: string, customer: string): Promise<ClientHttp2Session> {
  const session = connect(`http://${address}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/sales.v1.OrderService/WatchOrders',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const request = WatchOrdersRequest.encode(WatchOrdersRequest.fromPartial({ customer })).finish();
  const head = Buffer.alloc(5);
  head.writeUInt32BE(request.length, 1);
  stream.end(Buffer.concat([head, request]));
  // As nothing reads its data, the stream is paused and sends no WINDOW_UPDATE.
  return new Promise((resolve, reject) => {
    stream.once('response', () => resolve(session));
    stream.on('error', reject);
    session.on('error', reject);
  });
}

describe('stalled watchers', () => {
  let replica: Awaited<ReturnType<Company['startReplica']>>;
  let server: RpcServer;
  let channel: Channel;
  let clock: ManualClock;
  let busy: string;

  beforeAll(async () => {
    busy = await addCustomer(company);
    await fill(busy, ORDERS);
    // The clock of this replica stands still, so no watch ends because of a timeout.
    clock = new ManualClock();
    replica = await company.startReplica(undefined, { clock });
    server = await serve(createRouter(replica), { listen: '127.0.0.1:0' });
    channel = createChannel({ resolver: staticResolver([server.address]) });
  });
  afterAll(async () => {
    channel.close();
    await server.drain(0);
    await replica.stop();
  });

  /** The number of the service's connections that are in a transaction or execute a statement. */
  const connections = async () => {
    const sql = `SELECT count(*) FILTER (WHERE xact_start IS NOT NULL)::int AS kept FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'sales'`;
    return (await admin.one<{ kept: number }>(sql)).kept;
  };
  const partsOf = async (customer: string): Promise<readonly WatchOrdersResponse[]> => {
    const parts: WatchOrdersResponse[] = [];
    for await (const part of createClient(OrderServiceDefinition, { channel }).watchOrders({ customer })) {
      parts.push(part);
      if (part.event?.$case === 'snapshot' && !part.event.value.more) return parts;
    }
    throw new Error('the watch has ended');
  };
  const ordersIn = (parts: readonly WatchOrdersResponse[]) =>
    parts.reduce((sum, { event }) => sum + (event?.$case === 'snapshot' ? event.value.orders.length : 0), 0);

  it('hold no connection, and do not block the snapshots of others', async () => {
    const empty = await addCustomer(company);
    const some = await addCustomer(company);
    for (let count = 0; count < 3; count += 1) {
      await company.orders.placeOrder({ order: { customer: some, lines: [{ product, quantity: 1n }] } });
    }
    const opening = Array.from({ length: STALLED }, () => watchUnread(server.address, busy));
    const unread = await Promise.all(opening);
    await eventually('no watch holds a connection', async () => (await connections()) === 0);

    expect(ordersIn(await partsOf(empty))).toBe(0);
    expect(ordersIn(await partsOf(some))).toBe(3);
    expect(ordersIn(await partsOf(busy))).toBe(ORDERS);
    for (const session of unread) session.destroy();
  });
});
