import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { listing, startFakeLauncher } from './fake-launcher.js';
import { startFakeRegistry } from './fake-registry.js';
import { instance } from './instance.js';
import { rondo } from './recording-context.js';

const ROWS = [1, 2].map((index) => ({ name: `sales-${index}`, address: `127.0.0.1:5006${index}`, services: [] }));
const PROCESSES = ['postgres', 'sales-1', 'sales-2'].map((name) => ({ name, service: name.replace(/-.*/, '') }));

let launcher: Awaited<ReturnType<typeof startFakeLauncher>>;

/** A launcher that lists its processes, and replies to every other request that it is done. */
beforeEach(async () => {
  launcher = await startFakeLauncher(({ command }) => [
    command === 'processes' ? listing(PROCESSES) : { event: 'done', rows: ROWS },
  ]);
});
afterEach(() => launcher.stop());

const scale = (...args: readonly string[]) => rondo(['scale', ...args], { dataDirectory: launcher.data });

it('tells the launcher how many instances shall run, and prints those that do', async () => {
  const stdout = 'sales-1 runs at 127.0.0.1:50061\nsales-2 runs at 127.0.0.1:50062\n';
  expect(await scale('sales', '2')).toMatchObject({ exitCode: 0, stdout });
  expect(JSON.parse((await scale('sales', '2', '--json')).stdout)).toEqual({ instances: ROWS });
  expect(launcher.requests()).toEqual(Array(2).fill({ command: 'scale', service: 'sales', instances: 2 }));
});

it.each([[], ['sales'], ['sales', '1.5'], ['sales', 'two'], ['sales', '1e2']])(
  'asks for a service and a number from 0: %s %s',
  async (...args) => {
    expect(await scale(...args)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('name a service, and a number of instances from 0: rondo scale calculator 5'),
    });
    expect(launcher.requests()).toEqual([]);
  },
);

it('leaves no service with cordoned instances alone, unless by force', async () => {
  const registry = await startFakeRegistry();
  launcher.describe(path.join(launcher.data, 'launcher.sock'), registry.address);
  registry.mark('sales-1', 'a new disk');
  for (const name of ['sales-1', 'sales-2']) registry.put(instance(name, ['sales.v1.OrderService']));
  const why =
    'without sales-2 no instance serves sales.v1.OrderService: every call of it would fail; start another instance first, ' +
    'put one back by rondo uncordon sales-1, or use --force';
  expect(await scale('sales', '1')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(why) });
  expect(launcher.requests()).toEqual([]);
  expect(await scale('sales', '1', '--force')).toMatchObject({ exitCode: 0 });
  expect(await scale('sales', '0')).toMatchObject({ exitCode: 0 });
  await registry.stop();
  expect(await scale('sales', '1')).toMatchObject({ exitCode: 0 });
  expect(launcher.requests()).toHaveLength(3);
});

it('completes the names of services', async () => {
  const { stdout } = await rondo(['complete', '--', 'scale', ''], { dataDirectory: launcher.data });
  expect(stdout.trim()).toBe('sales');
});
