import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { listing, startFakeLauncher } from './fake-launcher.js';
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

it('completes the names of services', async () => {
  const { stdout } = await rondo(['complete', '--', 'scale', ''], { dataDirectory: launcher.data });
  expect(stdout.trim()).toBe('sales');
});
