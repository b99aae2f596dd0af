import path from 'node:path';
import { BUYER_OPTIONS, CUSTOMER, PRODUCT } from '../buyer/options.js';
import { listening } from './listening.js';
import { freePort } from './ports.js';
import { type Postgres, startPostgres } from './postgres.js';
import { type Program, startNode } from './program.js';
import type { Scene } from './scene.js';

/** A process of a shop that is killed and started again. */
export interface Restartable {
  /** `kill -9`; resolves when it is up again. */
  killAndRestart(): Promise<void>;
}

/** Two replicas of sales with what they need, and who buys there. */
export interface Shop {
  readonly postgres: Postgres;
  readonly replicas: readonly Restartable[];
  readonly ledger: string;
  /** Has so many orders placed. */
  startBuyer(options: { readonly orders: number; readonly withIds: boolean }): Buyer;
}

/** Who places orders. */
export interface Buyer extends Restartable {
  /** Resolves when the one who buys now has ended. */
  readonly ended: boolean;
  /** What it printed: nothing, unless it failed. */
  output(): string;
}

/** More than is ever sold here. */
export const STOCK = 1_000_000n;

/** Opens it, with a product to sell and a customer. */
export async function openShop(scene: Scene): Promise<Shop> {
  const registry = await scene.startRegistry();
  const postgres = await startPostgres(scene);
  await scene.startReplica('calculator-1');
  const env = { RONDO_REGISTRY: registry.address, DATABASE_URL: postgres.url };
  const replicas: Restartable[] = [];
  for (const id of ['sales-1', 'sales-2']) replicas.push(await startSales(scene, id, env));
  await stock(postgres);
  const ledger = path.join(scene.folder, 'bought');
  return {
    postgres,
    replicas,
    ledger,
    startBuyer(options) {
      const given = JSON.stringify({ ...options, ledger, registry: [registry.address] });
      const start = () => startNode('buyer', { main: 'chaos/dist/buyer/main.js', env: { [BUYER_OPTIONS]: given } });
      const buyer = restartable(scene, start);
      return {
        killAndRestart: buyer.killAndRestart,
        output: () => buyer.program().output(),
        get ended() {
          return buyer.program().ended;
        },
      };
    },
  };
}

async function startSales(scene: Scene, id: string, env: Readonly<Record<string, string>>): Promise<Restartable> {
  const own = { RONDO_INSTANCE_ID: id, RONDO_LISTEN: `127.0.0.1:${await freePort()}` };
  const start = () => startNode(id, { main: 'services/sales/dist/main.js', env: { ...env, ...own } });
  const sales = restartable(scene, start);
  await listening(sales.program());
  return {
    async killAndRestart() {
      await sales.killAndRestart();
      await listening(sales.program());
    },
  };
}

function restartable(scene: Scene, start: () => Program) {
  let program = start();
  scene.onClose(() => program.end('SIGKILL'));
  return {
    program: () => program,
    async killAndRestart() {
      await program.end('SIGKILL');
      program = start();
    },
  };
}

async function stock({ database }: Postgres): Promise<void> {
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
