/** Failovers of the services' database under load. The variable `FAILOVERS` says how many. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { type Customer, CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { createPool, type Database, provision } from '@rondo/database';
import { startTestCluster } from '@rondo/database/testing';
import { eventually, startRegistry, startService } from '@rondo/harness';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { startTcpProxy } from '@rondo/rpc/internal/testing';
import { RpcError, type Status } from '@rondo/rpc/status';
import { expectKnown, repeatAll, startKinds, Table } from './src/database-load.js';

/** `.ci/long` has twenty, with the time that a host has by default: a busy machine may take longer to accept a connection. */
const { FAILOVERS, BOUNDS } =
  process.env['FAILOVERS'] === undefined
    ? { FAILOVERS: 2, BOUNDS: '?connect_timeout=10' }
    : { FAILOVERS: Number(process.env['FAILOVERS']), BOUNDS: '' };
const PASSWORD = 'failovers';
const NAMES = ['sales', 'project_management'];
/** With fifteen kinds of calls, about 100 calls a second. */
const PAUSE_MS = 100;

let cluster: Awaited<ReturnType<typeof startTestCluster>>;
/** The ways of clients to the servers, by port: the first is the first primary's. */
let ways: readonly Awaited<ReturnType<typeof startTcpProxy>>[];
let channel: ReturnType<typeof createRegistryChannel>;
let gateway: string;
const closers: (() => Promise<unknown>)[] = [];

const urlOf = (name: string, hosts: readonly string[]) =>
  `postgres://${name}:${PASSWORD}@${hosts.join(',')}/${name}${BOUNDS}`;
/** The servers, the first primary first. */
let servers: readonly string[];
/** The primary's way. */
const way = () => ways[servers.indexOf(new URL(cluster.primary.url).host)];

beforeAll(async () => {
  cluster = await startTestCluster({ synchronous: true });
  closers.push(() => cluster.stop());
  const databases = NAMES.map((name) => ({ database: name, role: name, password: PASSWORD }));
  await provision({ adminUrl: cluster.url, databases });
  servers = [cluster.primary, cluster.standby].map(({ url }) => new URL(url).host);
  ways = await Promise.all(servers.map((target) => startTcpProxy({ target })));
  closers.push(() => Promise.all(ways.map((one) => one.close())));
  const hosts = ways.map(({ address }) => address);
  const registry = await startRegistry();
  const start = async (name: string, env: Readonly<Record<string, string>> = {}) => {
    const service = await startService(name, { registry: registry.address, env });
    closers.push(() => service.stop());
    return service;
  };
  closers.push(() => registry.stop());
  await start('calculator');
  const databaseOf = (name: string) => ({ DATABASE_URL: urlOf(name, hosts) });
  await Promise.all([
    start('sales', databaseOf('sales')),
    start('project-management', databaseOf('project_management')),
  ]);
  const front = await start('gateway', { RONDO_GATEWAY_LISTEN: '127.0.0.1:0' });
  const [, address = ''] = await front.printed(/also listening on (127\.0\.0\.1:\d+)/);
  gateway = `http://${address}`;
  channel = createRegistryChannel({ registry: [registry.address] });
  closers.push(async () => channel.close());
});

afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

const CUSTOMERS = `
  SELECT 'customers/' || id AS name, display_name AS "displayName" FROM customers WHERE delete_time IS NULL ORDER BY id`;

/** Each ends with the promotion of the standby. */
const FAULTS = {
  async killed() {
    await cluster.primary.kill();
    await cluster.promote();
  },
  async 'frozen, and thawed after the promotion'() {
    cluster.primary.freeze();
    await cluster.promote();
    cluster.primary.thaw();
  },
  async 'cut off from its clients, but not from its standby'() {
    way()?.stall();
    await sleep(1_000);
    await cluster.promote();
    way()?.resume();
  },
  promoted: () => cluster.promote(),
};

const through = async (path: string): Promise<void> => {
  const response = await fetch(`${gateway}${path}`);
  const text = await response.text();
  if (response.ok) return;
  const { code, message }: { readonly code: Status; readonly message: string } = JSON.parse(text);
  throw new RpcError(code, message);
};

/** Follows all customers by tokens, and notes each that comes twice in a row in the same state. */
function watchCustomers(signal: AbortSignal) {
  const { watchCustomers: watch } = createClient(CustomerServiceDefinition, { channel });
  const seen = { customers: new Map<string, Customer>(), twice: [] as string[], snapshots: 0 };
  const change = (customer: Customer): void => {
    if (seen.customers.get(customer.name)?.etag === customer.etag) seen.twice.push(customer.name);
    seen.customers.set(customer.name, customer);
  };
  const ended = (async () => {
    let resumeToken = '';
    while (!signal.aborted) {
      try {
        for await (const { event, resumeToken: token } of watch({ resumeToken }, { signal })) {
          resumeToken = token;
          if (event?.$case === 'customerChanged') change(event.value);
          if (event?.$case !== 'snapshot') continue;
          if (event.value.first) seen.customers.clear();
          seen.snapshots += Number(event.value.first);
          for (const customer of event.value.customers) seen.customers.set(customer.name, customer);
        }
      } catch {
        await sleep(100); // it goes on by its token
      }
    }
  })();
  return { seen, ended };
}

/** The databases at one server: a pool that only reads goes on at a former primary that is alive. */
async function at<T>({ url }: { readonly url: string }, work: (databases: Databases) => Promise<T>): Promise<T> {
  const open = (name: string) => createPool({ url: urlOf(name, [new URL(url).host]), maxConnections: 1 });
  const databases = { sales: open('sales'), projects: open('project_management') };
  try {
    return await work(databases);
  } finally {
    await Promise.all([databases.sales.close(), databases.projects.close()]);
  }
}

type Databases = Readonly<Record<'sales' | 'projects', Database>>;

/** Whether any transaction is in doubt that was prepared, or any call unfinished that was stored, before `since`. */
async function expectSettled({ sales }: Databases, since: Date): Promise<void> {
  expect(await sales.query('SELECT gid FROM pg_prepared_xacts WHERE prepared < $1', [since])).toEqual([]);
  const unfinished = "SELECT FROM transaction_log WHERE state NOT IN ('committed', 'aborted') AND create_time < $1";
  expect(await sales.query(unfinished, [since])).toEqual([]);
  const due = 'SELECT id, method, failed, error FROM jobs WHERE create_time < $1 AND due_time < now()';
  expect(await sales.query(due, [since])).toEqual([]);
}

/** Fails if a transaction across the services, an event or a job has less than one effect, or more. */
async function expectWhole({ sales, projects }: Databases, reminded: readonly string[]): Promise<void> {
  const sold = await sales.query<{ id: string }>('SELECT coalesce(quote_id, id) AS id FROM orders ORDER BY 1');
  const delivered = await projects.query<{ id: string; tasks: bigint }>(
    'SELECT id, (SELECT count(*) FROM tasks WHERE project_id = projects.id) AS tasks FROM projects ORDER BY 1',
  );
  expect(delivered).toEqual(sold.map(({ id }) => ({ id, tasks: 1n })));
  const unlike = await sales.query('SELECT id FROM orders WHERE (quote_id IS NULL) <> (project IS NULL)');
  expect(unlike).toEqual([]);
  const forgotten = "SELECT id FROM quotes WHERE 'quotes/' || id = ANY($1) AND reminder_time IS NULL";
  expect(await sales.query(forgotten, [reminded])).toEqual([]);
  const { stock, taken } = await sales.one<{ stock: bigint; taken: bigint }>(
    `SELECT stock, (SELECT count(*) FROM orders WHERE state <> 'cancelled') AS taken FROM products WHERE sku = 'DESK'`,
  );
  expect(stock).toBe(1_000_000n - taken);
}

const ROUNDS = Array.from({ length: FAILOVERS }, (_, at) => {
  const [name = '', fail] = Object.entries(FAULTS)[at % Object.keys(FAULTS).length] ?? [];
  return { number: at + 1, name, fail };
});

describe('failovers under a load of all samples', () => {
  const table = new Table();
  const stopping = new AbortController();
  let load: Awaited<ReturnType<typeof startKinds>>;
  let calls: Readonly<Record<string, () => Promise<unknown>>>;
  let watching: ReturnType<typeof watchCustomers>;
  let end: () => Promise<void>;

  beforeAll(async () => {
    load = await startKinds(channel);
    const calculator = createClient(CalculatorServiceDefinition, { channel });
    calls = {
      ...load.kinds,
      listCustomers: load.list,
      listThroughGateway: () => through('/v1/customers?page_size=5'),
      getSum: () => calculator.add({ a: 2n, b: 3n }),
    };
    watching = watchCustomers(stopping.signal);
    end = repeatAll(table, Object.entries(calls), PAUSE_MS);
  });

  afterAll(async () => {
    stopping.abort();
    await Promise.all([end?.(), watching?.ended]);
  });

  it.each(ROUNDS)('settle: $number, the primary is $name', async ({ number, name, fail }) => {
    await sleep(2_000); // the load is part of the fault
    table.fault = name;
    await fail?.();
    const [promotedAt, since] = [performance.now(), new Date()];
    const passed = () => Math.round(performance.now() - promotedAt);
    await Promise.all(Object.values(calls).map((call) => eventually(call)));
    const answered = passed();
    await eventually(() => at(cluster.standby, (databases) => expectSettled(databases, since)));
    const after = `all kinds of calls answered after ${answered} ms, settled after ${passed()} ms`;
    process.stdout.write(`${number}, ${name}: ${after}\n`);
    table.fault = 'no fault';
    await cluster.rejoin();
  });

  it('lose, double or half-do no acknowledged write, and watches are exact', async () => {
    await end();
    table.print();
    await eventually(load.kinds['remindOwner'] ?? (() => undefined));
    await at(cluster.primary, async (databases) => {
      await eventually(() => expectSettled(databases, new Date()));
      await expectKnown(databases.sales, load.known);
      await eventually(() => expectWhole(databases, load.known.reminded));
      const stored = await databases.sales.query<{ name: string; displayName: string }>(CUSTOMERS);
      await eventually(() => {
        const live = [...watching.seen.customers.values()].filter(({ deleteTime }) => deleteTime === undefined);
        const watched = live.map(({ name, displayName }) => ({ name, displayName }));
        expect(watched.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual(stored);
      });
    });
    expect(watching.seen.twice).toEqual([]);
    expect(table.wrong).toEqual([]);
    process.stdout.write(`${watching.seen.customers.size} customers watched, ${watching.seen.snapshots} snapshots\n`);
  });
});
