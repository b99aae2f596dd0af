import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createNoopMeter } from '@opentelemetry/api';
import { createCache } from '@rondo/cache';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { createPool } from '@rondo/database';
import { eventually } from '@rondo/database/testing';
import type { ServerCall } from '@rondo/rpc/call';
import { type Channel, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock } from '@rondo/rpc/clock';
import type { Middleware } from '@rondo/rpc/middleware';
import { createRouter } from '@rondo/rpc/server';
import { createMemoryNetwork } from '@rondo/rpc/testing';
import { addCustomer, addProduct, addQuote, type Company, startCompany } from './company.js';

type Replica = Awaited<ReturnType<Company['startReplica']>>;

/** A reader whose answers are kept, at another replica than the one that writes. */
function cachedReader({ services, outcomes }: Replica) {
  const calls: string[] = [];
  const counting: Middleware<ServerCall> = (call, next) => {
    calls.push(call.method.name);
    return next(call);
  };
  const network = createMemoryNetwork();
  network.listen('memory', createRouter({ services, middleware: [counting], ...(outcomes && { outcomes }) }));
  const cache = createCache({ clock: systemClock, meter: createNoopMeter(), maxBytes: 1024 * 1024 });
  const channel: Channel = createChannel({
    resolver: staticResolver(['memory']),
    transport: network.transport,
    wireMiddleware: [cache.middleware],
  });
  cache.attach(channel);
  const close = () => {
    cache.close();
    channel.close();
  };
  return { products: createClient(ProductServiceDefinition, { channel }), calls, close };
}

describe('a client that keeps products', () => {
  let company: Company;
  let replica: Replica;
  let reader: ReturnType<typeof cachedReader>;

  beforeAll(async () => {
    company = await startCompany();
    replica = await company.startReplica();
  });
  afterEach(() => reader.close());
  afterAll(async () => {
    await replica.stop();
    await company.stop();
  });

  /** Reads the product until two reads in a row cost no call. */
  const keeping = async (name: string) => {
    reader = cachedReader(replica);
    await eventually('products are kept', async () => {
      await reader.products.getProduct({ name });
      await reader.products.listProducts({ showDeleted: true });
      reader.calls.splice(0);
      await reader.products.getProduct({ name });
      await reader.products.listProducts({ showDeleted: true });
      return reader.calls.length === 0;
    });
  };

  it('sees each change soon, by any replica, and keeps the other products', async () => {
    const { name } = await addProduct(company);
    const other = await addProduct(company);
    await keeping(name);
    await reader.products.getProduct({ name: other.name });
    const customer = await addCustomer(company);
    const database = createPool({ url: company.databaseUrl, applicationName: 'test' });
    const line = { product: name, quantity: 1n };
    const quote = await addQuote(company, customer, line);
    const order = await company.orders.placeOrder({ order: { customer, lines: [line] } });
    const writes: readonly (() => Promise<unknown>)[] = [
      () => company.products.adjustStock({ name, delta: 5n }),
      () => company.products.updateProduct({ product: { name, title: 'Other' }, updateMask: ['title'] }),
      () => company.orders.placeOrder({ order: { customer, lines: [line] } }),
      () => company.orders.cancelOrder({ name: order.name }),
      () => company.quotes.acceptQuote({ name: quote.name }),
      () => database.query('UPDATE products SET stock = stock + 1 WHERE id = $1', [name.slice('products/'.length)]),
      () => company.products.deleteProduct({ name }),
      () => company.products.undeleteProduct({ name }),
    ];
    for (const write of writes) {
      await write();
      const now = await company.products.getProduct({ name });
      await eventually(`the product is that after ${write}`, async () =>
        isDeepStrictEqual(await reader.products.getProduct({ name }), now),
      );
      await eventually(`the list is that after ${write}`, async () => {
        const { products } = await reader.products.listProducts({ showDeleted: true });
        return isDeepStrictEqual(
          products.find((one) => one.name === name),
          now,
        );
      });
    }
    await database.close();
    reader.calls.splice(0);
    await reader.products.getProduct({ name: other.name });
    expect(reader.calls).toEqual([]);
  });

  it('sees its own write at once', async () => {
    const { name } = await addProduct(company);
    await keeping(name);
    await reader.products.adjustStock({ name, delta: 5n });
    expect(await reader.products.getProduct({ name })).toMatchObject({ stock: 15n });
    const { products } = await reader.products.listProducts({});
    expect(products.find((one) => one.name === name)).toMatchObject({ stock: 15n });
  });
});

it('a watch of changes begins with a message without a name', async () => {
  const company = await startCompany();
  const watch = company.products.watchProductChanges({})[Symbol.asyncIterator]();
  expect(await watch.next()).toMatchObject({ value: { product: '' } });
  const { name } = await addProduct(company);
  expect(await watch.next()).toMatchObject({ value: { product: name } });
  await watch.return?.();
  await company.stop();
});

it('a watch gets each product of a statement that changes many', async () => {
  const company = await startCompany();
  const database = createPool({ url: company.databaseUrl, applicationName: 'test' });
  const watch = company.products.watchProductChanges({})[Symbol.asyncIterator]();
  try {
    expect(await watch.next()).toMatchObject({ value: { product: '' } });
    await database.query(
      `INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
       SELECT 'many-' || n, 'Desk', 'MANY-' || n, 'EUR', 1999, 0, 60 FROM generate_series(1, 250) AS n`,
    );
    const changed = new Set<string>();
    while (changed.size < 250) {
      const { value } = await watch.next();
      expect(value?.product).toMatch(/^products\/many-[0-9]+$/);
      changed.add(value?.product ?? '');
    }
  } finally {
    await watch.return?.();
    await database.close();
    await company.stop();
  }
});
