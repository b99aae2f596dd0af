import path from 'node:path';
import { createPool, type Database } from '@rondo/database';
import { freePort, type RunningProcess, root, start, startService, until } from '@rondo/harness';
import { BUYER_OPTIONS, type BuyerOptions, CUSTOMER, PRODUCT } from '../buyer/protocol.js';
import { startEmptyServer } from './database.js';
import type { Testbed } from './testbed.js';

/** A process that is killed and started again. */
export interface Restartable {
  /** `kill -9`; resolves when it is up again. */
  killAndRestart(): Promise<void>;
}

/** Two replicas of sales with a registry, a calculator and a database. */
export interface Sales {
  readonly database: Database;
  readonly postgres: Restartable;
  readonly replicas: readonly Restartable[];
  /** The file to which the buyer writes. */
  readonly ledger: string;
  /** Starts a process that places `orders` orders. */
  startBuyer(options: Pick<BuyerOptions, 'orders' | 'withIds' | 'agentsUrl'>): Buyer;
  /** Starts a gateway that serves agents. */
  startGateway(): Promise<Restartable & { readonly agentsUrl: string }>;
}

/** A process that places orders. */
export interface Buyer extends Restartable {
  /** Whether the process that runs now has ended. */
  readonly hasEnded: boolean;
  /** What it printed on standard error: nothing, unless it failed. */
  errors(): string;
}

/** More than is ever sold here. */
export const STOCK = 1_000_000n;

/** Starts sales, with one product to sell and one customer. */
export async function startSales(testbed: Testbed): Promise<Sales> {
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
    const { killAndRestart } = await restartable(testbed, () => startService('sales', options));
    replicas.push({ killAndRestart });
  }
  await stock(database);
  const ledger = path.join(testbed.folder, 'bought');
  return {
    database,
    postgres: { killAndRestart: () => postgres.restart('SIGKILL') },
    replicas,
    ledger,
    startBuyer: (options) => startBuyer(testbed, { ...options, ledger, registry: [registry.address] }),
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

function startBuyer(testbed: Testbed, options: BuyerOptions): Buyer {
  const main = path.join(root, 'lab/dist/chaos/buyer/main.js');
  const env = { [BUYER_OPTIONS]: JSON.stringify(options), ...testbed.certificates.variablesOf('chaos') };
  const startOne = () => start(process.execPath, [main], { env, ipc: true });
  let buyer = startOne();
  testbed.onClose(() => buyer.stop('SIGKILL'));
  return {
    async killAndRestart() {
      await buyer.stop('SIGKILL');
      buyer = startOne();
    },
    errors: () => buyer.output().stderr,
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
  const tables = () => database.one<{ found: string | null }>(`SELECT to_regclass('products')::text AS found`);
  await until(async () => (await tables()).found ?? undefined, {
    what: 'sales has its tables',
    timeoutMs: MIGRATED_MS,
  });
  const id = (name: string) => path.basename(name);
  await database.query(`INSERT INTO customers (id, display_name, email) VALUES ($1, 'Buyer', 'buyer@example.com')`, [
    id(CUSTOMER),
  ]);
  await database.query(
    `INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
     VALUES ($1, 'Desk', 'DESK', 'EUR', 1999, $2, 60)`,
    [id(PRODUCT), STOCK],
  );
}
