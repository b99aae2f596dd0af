import path from 'node:path';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { createPool } from '@rondo/database';
import { cpuMs, eventually, startRegistry, startService } from '@rondo/harness';
import { startPostgres } from '@rondo/harness/postgres';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { CUSTOMERS, PRODUCTS } from './load.mjs';

/**
 * Starts PostgreSQL as it runs by default, so that what is committed is on the disk, a registry, and a calculator. Each is a
 * process of its own.
 */
export async function startSystem({ folder, onClose, nodeArguments }) {
  const postgres = await startPostgres(folder);
  onClose(() => postgres.stop());
  const url = await postgres.createDatabase('sales');
  const database = createPool({ url, maxConnections: 2 });
  onClose(() => database.close());
  const logFile = (name) => path.join(folder, `${name}.log`);
  const registry = await startRegistry({ warmingMs: 0, logFile: logFile('registry') });
  onClose(() => registry.stop());
  const start = async (service, instanceId, env) => {
    const options = { instanceId, registry: registry.address, nodeArguments, logFile: logFile(instanceId), env };
    const running = await startService(service, options);
    onClose(() => running.stop());
    return running;
  };
  const calculator = await start('calculator', 'calculator');
  const sales = [];
  return {
    url,
    database,
    /** Puts products and customers into the database, once sales has made its tables. */
    stockUp: () => stockUp(database),
    /** Starts replicas of sales until there are `count`, and resolves to a client over them once they serve. */
    async replicas(count) {
      while (sales.length < count) sales.push(await start('sales', `sales-${sales.length + 1}`, { DATABASE_URL: url }));
      for (const { address } of sales) await serving(address);
      return clientOf(sales.map(({ address }) => address));
    },
    /** Those of the replicas of sales. */
    addresses: () => sales.map(({ address }) => address),
    /** Processor time by what has used it. Milliseconds; Linux only. */
    usedMs: () => ({
      database: cpuMs(postgres.pid(), { children: true }),
      sales: sales.reduce((sum, { pid }) => sum + cpuMs(pid), 0),
      calculator: cpuMs(calculator.pid),
    }),
  };
}

/** A client as another service has one: its calls go by frames. */
function clientOf(addresses) {
  const channel = createChannel({ resolver: staticResolver(addresses, { frames: true }) });
  return { orders: createClient(OrderServiceDefinition, { channel }), close: () => channel.close() };
}

/** A service listens before its schema is there. */
async function serving(address) {
  const { orders, close } = clientOf([address]);
  await eventually(() => orders.listOrders({ pageSize: 1 })).finally(close);
}

async function stockUp(database) {
  await database.query(
    `INSERT INTO customers (id, display_name, email)
     SELECT id, 'Customer ' || id, id || '@example.com' FROM generate_series(1, $1) AS id`,
    [CUSTOMERS],
  );
  await database.query(
    `INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
     SELECT id, 'Desk', 'DESK-' || id, 'EUR', 1999, 1000000000, 60 FROM generate_series(1, $1) AS id`,
    [PRODUCTS],
  );
}
