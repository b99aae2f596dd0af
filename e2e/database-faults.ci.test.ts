import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createPool, provision } from '@rondo/database';
import { eventually, type ServiceProcess, startRegistry, startService } from '@rondo/harness';
import { type Postgres, startPostgres } from '@rondo/harness/postgres';
import { createRegistryChannel } from '@rondo/rpc/client';
import { expectKnown, repeatAll, startKinds, Table } from './src/database-load.js';

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

it(`${FAULTS} faults of the database fail calls only with UNAVAILABLE, or at their deadlines`, async () => {
  const { kinds, list, known, awaken } = await startKinds(channel);
  const table = new Table();
  const ends = [
    repeatAll(table, Object.entries(kinds), 200),
    repeatAll(
      table,
      Array.from({ length: LISTS }, () => ['listCustomers', list]),
      LISTS * 50,
    ),
  ];
  const faults = Object.entries(FAULTS_BY_NAME);
  for (let made = 0; made < FAULTS; made += 1) {
    const [name = '', begin] = faults[made % faults.length] ?? [];
    table.fault = name;
    await begin?.(AWAY_MS[(made + Math.floor(made / faults.length)) % AWAY_MS.length] ?? 0);
    await eventually(awaken);
    table.fault = 'no fault';
  }
  await Promise.all(ends.map((end) => end()));
  table.print();
  expect(table.wrong).toEqual([]);

  const sales = createPool({ url: urlOf('sales'), maxConnections: 1 });
  await expectKnown(sales, known);
  await sales.close();
});
