import path from 'node:path';
import { createPool, type Database } from '@rondo/database';
import { eventually, freePort, type RunningProcess, root, start, startService } from '@rondo/harness';
import { BUYER_OPTIONS, type BuyerOptions, CUSTOMER, PRODUCT } from '../buyer/protocol.js';
import { startEmptyServer } from './database.js';
import type { Testbed } from './testbed.js';

/** A process that is killed and started again. */
interface Restartable {
  /** `kill -9`; resolves when it is up again. */
  killAndRestart(): Promise<void>;
}

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
  const replicas: Restartable[] = [];
  for (const id of ['sales-1', 'sales-2']) {
    const listen = `127.0.0.1:${await freePort()}`;
    const env = { DATABASE_URL: url, ...testbed.certificates.variablesOf('sales') };
    const options = { instanceId: id, listen, registry: registry.address, env };
    replicas.push(await restartable(testbed, () => startService('sales', options)));
  }
  await stock(database);
  const ledger = path.join(testbed.folder, 'bought');
  return {
    database,
    postgres: { killAndRestart: () => postgres.restart('SIGKILL') },
    replicas,
    /** The file to which the buyer writes. */
    ledger,
    /** Starts a process that places `orders` orders. */
    startBuyer: (options: Pick<BuyerOptions, 'orders' | 'withIds' | 'agentsUrl'>) =>
      startBuyer(testbed, { ...options, ledger, registry: [registry.address] }),
    /** Starts a gateway that serves agents. */
    async startGateway() {
      const [listen, open] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
      const own = { RONDO_GATEWAY_LISTEN: open, RONDO_GATEWAY_MCP: 'on' };
      const env = { ...own, ...testbed.certificates.variablesOf('gateway') };
      const options = { instanceId: 'gateway-1', listen, registry: registry.address, env };
      const gateway = await restartable(testbed, () => startService('gateway', options));
      return { ...gateway, agentsUrl: `http://${open}/mcp` };
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
    async killAndRestart(): Promise<void> {
      await buyer.stop('SIGKILL');
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

async function restartable(testbed: Testbed, startOne: () => Promise<RunningProcess>): Promise<Restartable> {
  let process = await startOne();
  testbed.onClose(() => process.stop('SIGKILL'));
  return {
    async killAndRestart() {
      await process.stop('SIGKILL');
      process = await startOne();
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
