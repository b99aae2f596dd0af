import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createPool } from '@rondo/database';
import { type Ended, runNode, type System, start, startSystem } from '@rondo/harness';
import { readGuide } from './src/docs.js';
import { toTally } from './src/tally.js';

const guide = readGuide('operate-the-database.md');
const [backup = '', restore = '', startAgain = ''] = guide.commands;

let folder: string;
let live: System;
let restored: System;
let delivered: Sale;
let productName: string;
let customerName: string;

/** The quantities that AcceptQuote makes. */
interface Sale {
  readonly order: string;
  readonly project: string;
}

/** Runs a line of the guide on folders of the test's own. */
function follow(line: string, ...more: readonly string[]): Promise<Ended> {
  const here = line
    .replace('./rondo', `exec ${process.execPath} scripts/rondo.mjs`)
    .replace('backups/monday', join(folder, 'monday'))
    .replace(/\brestored\b/, join(folder, 'restored'));
  return start('/bin/sh', ['-c', [here, ...more].join(' ')]).ended;
}

async function call(system: System, method: string, request: object) {
  const { code, stdout, stderr } = await system.rondo('call', method, JSON.stringify(request));
  if (code !== 0) throw new Error(`${method}: ${stderr}`);
  return JSON.parse(stdout);
}

const addCustomer = (system: System, displayName: string) =>
  call(system, 'sales.v1.CustomerService/CreateCustomer', {
    customer: { displayName, email: `${displayName.toLowerCase()}@customers.example` },
  });

/** Journey 3: an accepted quote becomes an order and the project that delivers it. */
async function sell(system: System): Promise<Sale> {
  const quote = { customer: customerName, lines: [{ product: productName, quantity: '2' }] };
  const { name } = await call(system, 'sales.v1.QuoteService/CreateQuote', { quote });
  const { order } = await call(system, 'sales.v1.QuoteService/AcceptQuote', { name });
  return { order: order.name, project: order.project };
}

async function expectDelivered(system: System, { order, project }: Sale) {
  expect((await call(system, 'sales.v1.OrderService/GetOrder', { name: order })).project).toBe(project);
  const { tasks } = await call(system, 'projects.v1.TaskService/ListTasks', { parent: project });
  expect(tasks.map(({ effortMinutes }: { effortMinutes: string }) => effortMinutes)).toEqual(['60']);
}

const customersOf = async (system: System) =>
  (await call(system, 'sales.v1.CustomerService/ListCustomers', {})).customers.map(
    ({ displayName }: { displayName: string }) => displayName,
  );

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rondo-e2e-backup-'));
  chmodSync(folder, 0o755); // as root the server is another user, whose data would be kept elsewhere
  live = await startSystem();
  await call(live, 'projects.v1.TeamService/CreateMember', {
    member: { displayName: 'Ada', email: 'ada@rondo.example', weeklyCapacityMinutes: '2400' },
  });
  const unitPrice = { currencyCode: 'EUR', units: '10' };
  const product = { sku: 'KIT', title: 'Kit', unitPrice, stock: '100', deliveryEffortMinutes: '30' };
  productName = (await call(live, 'sales.v1.ProductService/CreateProduct', { product })).name;
  customerName = (await addCustomer(live, 'Before')).name;
  delivered = await sell(live);
});

afterAll(async () => {
  await restored?.stop();
  rmSync(folder, { recursive: true, force: true });
  live.remove();
});

it('is made by one command while calls write, and none of them fails', async () => {
  const adjust = JSON.stringify({ name: productName, delta: '1' });
  const writer = live.startRondo('call', 'sales.v1.ProductService/AdjustStock', adjust, '--rate', '50', '--json');
  const { code, stdout, stderr } = await follow(backup, '--data', live.data);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain(`./rondo restore --from ${join(folder, 'monday')} --data NEW`);
  writer.process.kill('SIGINT');
  const { failed, codes } = toTally((await writer.ended).stdout);
  expect({ failed, codes: Object.keys(codes) }).toEqual({ failed: 0, codes: ['OK'] });
  await addCustomer(live, 'After');
});

it('is restored by one command into a new folder, and refused if the folder has data', async () => {
  const { code, stdout, stderr } = await follow(restore);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain(`Start it: npm start -- --data ${join(folder, 'restored')}`);
  for (const name of ['monday', 'restored']) expect(readFileSync(join(folder, name, '.gitignore'), 'utf8')).toBe('*\n');
  const again = await follow(restore);
  expect(again.code).toBe(1);
  expect(again.stderr).toMatch(/^rondo restore: .*restored isn't empty \(it has .+\): name another folder\.\n$/);
});

it('has what was written before it and nothing of what was written after it, and the system works', async () => {
  expect(startAgain).toBe('npm start -- --data restored');
  expect((await live.stop()).code).toBe(0);
  restored = await startSystem({ data: join(folder, 'restored') });
  expect(await customersOf(restored)).toEqual(['Before']);
  await expectDelivered(restored, delivered);
  await expectDelivered(restored, await sell(restored));
});

it('is shown by the queries of the guide', async () => {
  const passwords: Record<string, string> = JSON.parse(readFileSync(join(restored.data, 'passwords.json'), 'utf8'));
  const pool = createPool({ url: `postgres://sales:${passwords['sales']}@${restored.address(9)}/sales` });
  try {
    expect(await pool.query(guide.code('in-doubt.sql'))).toEqual([]);
    expect(await pool.query(guide.code('sizes.sql'))).toContainEqual(expect.objectContaining({ relname: 'orders' }));
    expect(await pool.query(guide.code('waiting.sql'))).toHaveLength(1);
    expect(await pool.query(guide.code('log.sql'))).toEqual([]);
  } finally {
    await pool.close();
  }
});

it.each([
  ['backup', [], /--to must name a folder/],
  ['backup', ['stray'], /"stray" is not expected here; options come after a "--"/],
  ['backup', ['--to', '/tmp/unused', '--data', '/nowhere'], /No server runs on \/nowhere\/postgres: start it first/],
  ['restore', ['--data', '/tmp/unused'], /--from must name a backup/],
  ['restore', ['--from', '/nowhere', '--data', '/tmp/unused'], /manifest\.json can't be read: this is no backup/],
])('rondo %s %j is refused in a line', async (task, args, refusal) => {
  const { code, stderr } = await runNode(['scripts/rondo.mjs', task, ...args]);
  expect(code).toBe(1);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(refusal);
});
