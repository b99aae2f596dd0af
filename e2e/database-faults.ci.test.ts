import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { CoordinatorServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { createPool, provision } from '@rondo/database';
import { eventually, type ServiceProcess, startRegistry, startService } from '@rondo/harness';
import { type Postgres, startPostgres } from '@rondo/harness/postgres';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';

/** `.ci/long` has forty. */
const FAULTS = Number(process.env['DATABASE_FAULTS'] ?? 3);
/** How long the database is away, in turn: the last is longer than most calls may take. */
const AWAY_MS = [1_000, 3_500, 7_000];
/** More than have a place in a share of the connections. */
const LISTS = 110;
const PASSWORD = 'faults';

let folder: string;
let postgres: Postgres;
let channel: ReturnType<typeof createRegistryChannel>;
const services: ServiceProcess[] = [];

const urlOf = (name: string) => `postgres://${name}:${PASSWORD}@127.0.0.1:${postgres.port}/${name}`;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'rondo-database-faults-'));
  chmodSync(folder, 0o755);
  postgres = await startPostgres(folder, { settings: { max_connections: '40', max_prepared_transactions: '64' } });
  const names = ['sales', 'project_management'];
  const databases = names.map((name) => ({ database: name, role: name, password: PASSWORD }));
  await provision({ adminUrl: postgres.url, databases });
  const registry = await startRegistry();
  const withDatabase = (name: string) => ({ registry: registry.address, env: { DATABASE_URL: urlOf(name) } });
  services.push(registry, await startService('calculator', { registry: registry.address }));
  services.push(await startService('sales', withDatabase('sales')));
  services.push(await startService('project-management', withDatabase('project_management')));
  channel = createRegistryChannel({ registry: [registry.address] });
});

afterAll(async () => {
  channel?.close();
  await Promise.all(services.map((service) => service.stop()));
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function signalServer(signal: NodeJS.Signals): void {
  const pid = postgres.pid();
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  // One that has ended meanwhile is left out.
  spawnSync('kill', ['-s', signal.slice(3), String(pid), ...stdout.trim().split(/\s+/)]);
}

const FAULTS_BY_NAME = {
  killed: (awayMs: number) => postgres.restart('SIGKILL', awayMs),
  async frozen(awayMs: number) {
    signalServer('SIGSTOP');
    await sleep(awayMs);
    signalServer('SIGCONT');
  },
  async 'out of connections'(awayMs: number) {
    const others = createPool({ url: postgres.url, maxConnections: 60, idleTransactionTimeoutMs: 60_000 });
    const end =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('sales', 'project_management')";
    const hold = () => others.transaction((one) => one.query(end).then(() => sleep(awayMs)));
    await Promise.allSettled(Array.from({ length: 60 }, hold));
    await others.close();
  },
};

const clients = () => ({
  customers: createClient(CustomerServiceDefinition, { channel }),
  products: createClient(ProductServiceDefinition, { channel }),
  quotes: createClient(QuoteServiceDefinition, { channel }),
  orders: createClient(OrderServiceDefinition, { channel }),
  projects: createClient(ProjectServiceDefinition, { channel }),
  jobs: createClient(JobServiceDefinition, { channel }),
  events: createClient(EventServiceDefinition, { channel }),
  coordinator: createClient(CoordinatorServiceDefinition, { channel }),
});

/** Whether a failed call may have changed something. */
const mayHaveEffect = (error: unknown) =>
  !(error instanceof RpcError && error.code === Status.UNAVAILABLE && !error.message.includes('outcome is unknown'));

/** Calls of every kind of method, and what the writes among them are known to have done. */
async function startKinds() {
  const { customers, products, quotes, orders, projects, jobs, events, coordinator } = clients();
  let number = 0;
  const nameNext = () => {
    number += 1;
    return { displayName: 'Ada', email: `a${number}@example.com` };
  };
  const unitPrice = { currencyCode: 'EUR', units: 10n };
  const { name: customer } = await eventually(() => customers.createCustomer({ customer: nameNext() }));
  const desk = { title: 'Desk', sku: 'DESK', unitPrice, stock: 1_000_000n, deliveryEffortMinutes: 1n };
  const { name: product } = await products.createProduct({ product: desk });
  const { name: counted } = await products.createProduct({ product: { title: 'Kit', sku: 'KIT', unitPrice } });
  await eventually(() => projects.listProjects({}));
  const lines = [{ product, quantity: 1n }];
  const known = { created: new Map<string, 'yes' | 'no' | 'perhaps'>(), added: 0n, perhapsAdded: 0n, counted };
  const kinds: Readonly<Record<string, () => Promise<unknown>>> = {
    getCustomer: () => customers.getCustomer({ name: customer }),
    listProjects: () => projects.listProjects({ pageSize: 5 }),
    async watchCustomers() {
      const control = new AbortController();
      for await (const _ of customers.watchCustomers({}, { signal: control.signal, timeoutMs: 5_000 })) break;
      control.abort();
    },
    async createCustomer() {
      const given = nameNext();
      known.created.set(given.email, 'perhaps');
      const settle = (is: 'yes' | 'no' | 'perhaps') => void known.created.set(given.email, is);
      await customers.createCustomer({ customer: given }).then(
        () => settle('yes'),
        (error) => {
          settle(mayHaveEffect(error) ? 'perhaps' : 'no');
          throw error;
        },
      );
    },
    createOnce: () => customers.createCustomer({ customer: nameNext(), requestId: crypto.randomUUID() }),
    updateCustomer: () => customers.updateCustomer({ customer: { name: customer, displayName: nameNext().email } }),
    async deleteCustomer() {
      const { name } = await customers.createCustomer({ customer: nameNext() });
      await customers.deleteCustomer({ name });
    },
    async adjustStock() {
      await products.adjustStock({ name: counted, delta: 1n }).catch((error) => {
        if (mayHaveEffect(error)) known.perhapsAdded += 1n;
        throw error;
      });
      known.added += 1n;
    },
    async placeAndCancelOrder() {
      const { name } = await orders.placeOrder({ order: { customer, lines } });
      await orders.cancelOrder({ name });
    },
    async acceptQuote() {
      const { name } = await quotes.createQuote({ quote: { customer, lines } });
      await quotes.acceptQuote({ name });
    },
    listJobs: () => jobs.listJobs({}),
    listGroups: () => events.listGroups({}),
    listTransactions: () => coordinator.listTransactions({}),
  };
  const list = () => customers.listCustomers({ pageSize: 5 });
  return { kinds, list, known, awaken: () => customers.getCustomer({ name: customer }) };
}

/** What the texts of failed calls may name: the database, the instance that isn't ready without it, and the time that the call had. */
const NAMED: Readonly<Record<string, RegExp>> = {
  OK: /^/,
  UNAVAILABLE:
    /\bdatabase\b|: not ready yet|: not serving \(health\)|isn't ready: it waits for a dependency|no outcome within the \d+ ms/,
  DEADLINE_EXCEEDED: /no outcome within the \d+ ms/,
};
const READS = /^(get|list|watch)/;

/** How calls ended, by fault and method. */
class Table {
  fault = 'no fault';
  readonly #rows = new Map<string, Map<string, number>>();
  readonly wrong: string[] = [];

  async note(method: string, call: () => Promise<unknown>): Promise<void> {
    const before = this.fault;
    const error = await call().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const row = `${before === 'no fault' ? this.fault : before}: ${method}`;
    const code = error === undefined ? 'OK' : error instanceof RpcError ? error.codeName : 'no status';
    const counts = this.#rows.get(row) ?? new Map<string, number>();
    this.#rows.set(row, counts.set(code, (counts.get(code) ?? 0) + 1));
    const said = error === undefined ? '' : String(error);
    const isUnsureOfRead = READS.test(method) && said.includes('outcome is unknown');
    if (NAMED[code]?.test(said) !== true || isUnsureOfRead) this.wrong.push(`${row}: ${code} ${said}`);
  }

  print(): void {
    const rows = [...this.#rows].sort(([a], [b]) => a.localeCompare(b));
    const shown = rows.map(
      ([row, counts]) => `${row.padEnd(40)} ${[...counts].map(([code, n]) => `${n} ${code}`).join(', ')}\n`,
    );
    process.stdout.write(shown.join(''));
  }
}

it(`${FAULTS} faults of the database fail calls only with UNAVAILABLE, or at their deadlines`, async () => {
  const { kinds, list, known, awaken } = await startKinds();
  const table = new Table();
  let over = false;
  const repeat = async (method: string, call: () => Promise<unknown>, pauseMs: number) => {
    while (!over) {
      await table.note(method, call);
      await sleep(pauseMs);
    }
  };
  const loops = Object.entries(kinds).map(([method, call]) => repeat(method, call, 200));
  const lists = Array.from({ length: LISTS }, () => repeat('listCustomers', list, LISTS * 50));
  const faults = Object.entries(FAULTS_BY_NAME);
  for (let made = 0; made < FAULTS; made += 1) {
    const [name = '', begin] = faults[made % faults.length] ?? [];
    table.fault = name;
    await begin?.(AWAY_MS[(made + Math.floor(made / faults.length)) % AWAY_MS.length] ?? 0);
    await eventually(awaken);
    table.fault = 'no fault';
  }
  over = true;
  await Promise.all([...loops, ...lists]);
  table.print();
  expect(table.wrong).toEqual([]);

  const sales = createPool({ url: urlOf('sales'), maxConnections: 1 });
  const stored = new Set((await sales.query<{ email: string }>('SELECT email FROM customers')).map((row) => row.email));
  const [stock] = await sales.query<{ stock: bigint }>("SELECT stock FROM products WHERE sku = 'KIT'");
  await sales.close();
  for (const [email, is] of known.created)
    if (is !== 'perhaps') expect([email, stored.has(email)]).toEqual([email, is === 'yes']);
  expect(stock?.stock).toBeGreaterThanOrEqual(known.added);
  expect(stock?.stock).toBeLessThanOrEqual(known.added + known.perhapsAdded);
});
