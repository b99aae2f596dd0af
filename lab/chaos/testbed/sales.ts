import path from 'node:path';
import { createPool, type Database } from '@rondo/database';
import { eventually, freePort, root, start } from '@rondo/harness';
import { BUYER_OPTIONS, type BuyerOptions, CUSTOMER, PRODUCT } from '../buyer/protocol.js';
import { startEmptyServer } from './database.js';
import type { Replica, Testbed } from './testbed.js';

/** Two replicas of sales with a registry, a calculator and a database. */
export type Sales = Awaited<ReturnType<typeof startSales>>;

/** A process that places orders. */
export type Buyer = ReturnType<typeof startBuyer>;

/** More than is ever sold here. */
export const STOCK = 1_000_000n;

/** Starts sales, with one product to sell and one customer. */
export async function startSales(testbed: Testbed) {
  const registry = await testbed.startRegistry();
  const postgres = await startEmptyServer(testbed);
  const url = await postgres.createDatabase('chaos');
  const database = createPool({ url, maxConnections: 1 });
  testbed.onClose(() => database.close());
  await testbed.startReplica('calculator-1');
  const replicas: Replica[] = [];
  for (const id of ['sales-1', 'sales-2']) {
    const options = { port: await freePort(), service: 'sales', env: { DATABASE_URL: url } } as const;
    replicas.push(await testbed.startReplica(id, options));
  }
  await stock(database);
  const ledger = path.join(testbed.folder, 'bought');
  return {
    database,
    postgres,
    replicas,
    /** The file to which the buyer writes. */
    ledger,
    /** Starts a process that places `orders` orders. */
    startBuyer: (options: Pick<BuyerOptions, 'orders' | 'withIds' | 'agentsUrl'>) =>
      startBuyer(testbed, { ...options, ledger, registry: [registry.address] }),
    /** Starts a gateway that serves agents. */
    async startGateway() {
      const [port, open] = [await freePort(), `127.0.0.1:${await freePort()}`];
      const env = { RONDO_GATEWAY_LISTEN: open, RONDO_GATEWAY_MCP: 'on' };
      const gateway = await testbed.startReplica('gateway-1', { port, service: 'gateway', env });
      return Object.assign(gateway, { agentsUrl: `http://${open}/mcp` });
    },
  };
}

function startBuyer(testbed: Testbed, options: BuyerOptions) {
  const main = path.join(root, 'lab/dist/chaos/buyer/main.js');
  const env = { [BUYER_OPTIONS]: JSON.stringify(options), ...testbed.certificates.variablesOf('chaos') };
  const startOne = () => start(process.execPath, [main], { env, ipc: true });
  let buyer = startOne();
  testbed.onClose(() => buyer.stop('SIGKILL'));
  return {
    async restart(signal: NodeJS.Signals): Promise<void> {
      await buyer.stop(signal);
      buyer = startOne();
    },
    /** What it printed on standard error: nothing, unless it failed. */
    errors: () => buyer.output().stderr,
    /** Whether the process that runs now has ended. */
    get hasEnded() {
      return buyer.hasEnded;
    },
  };
}

const MIGRATED_MS = 120_000;

async function stock(database: Database): Promise<void> {
  // A service listens before its database is prepared.
  await eventually(() => database.query('SELECT FROM products'), { timeoutMs: MIGRATED_MS });
  const buyer = `INSERT INTO customers (id, display_name, email) VALUES ($1, 'Buyer', 'buyer@example.com')`;
  await database.query(buyer, [path.basename(CUSTOMER)]);
  await database.query(
    `INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
     VALUES ($1, 'Desk', 'DESK', 'EUR', 1999, $2, 60)`,
    [path.basename(PRODUCT), STOCK],
  );
}
