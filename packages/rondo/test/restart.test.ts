import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { listing, startFakeLauncher } from './fake-launcher.js';
import { rondo } from './recording-context.js';

const ROW = { name: 'calculator-2', address: '127.0.0.1:50061', services: ['calculator.v1.CalculatorService'] };
const PROCESSES = [
  { name: 'postgres', service: 'postgres', state: 'running' },
  { name: 'calculator-1', service: 'calculator', state: 'running' },
  { name: 'calculator-2', service: 'calculator', state: 'failed', exits: 5 },
];

let launcher: Awaited<ReturnType<typeof startFakeLauncher>>;

/** A launcher that lists its processes, and replies to every other request that it is done. */
beforeEach(async () => {
  launcher = await startFakeLauncher(({ command }) => [
    command === 'processes' ? listing(PROCESSES) : { event: 'done', rows: [ROW] },
  ]);
});
afterEach(() => launcher.stop());

const restart = (...args: readonly string[]) => rondo(['restart', ...args], { dataDirectory: launcher.data });

describe('rondo restart', () => {
  it('sends a request to the launcher, and prints what runs again', async () => {
    expect(await restart('calculator-2')).toMatchObject({
      exitCode: 0,
      stdout: 'calculator-2 runs again at 127.0.0.1:50061\n',
    });
    expect(JSON.parse((await restart('calculator', '--json')).stdout)).toEqual({ restarted: [ROW] });
    expect(launcher.requests()).toEqual([
      { command: 'restart', name: 'calculator-2' },
      { command: 'restart', name: 'calculator' },
    ]);
  });

  it('says that it runs what was built before the sources changed', async () => {
    const [text, dataDirectory] = ["the build doesn't match the sources", launcher.data];
    const doctor = {
      runningSystem: async () => undefined,
      async *examineRepository() {},
      staleBuild: async () => text,
    };
    expect(await rondo(['restart', 'calculator-2'], { dataDirectory, doctor })).toMatchObject({
      exitCode: 0,
      stderr: `${text}\n`,
    });
    expect((await rondo(['restart', 'postgres'], { dataDirectory, doctor })).stderr).toBe('');
  });

  it('sends no request for an unknown name, and lists the known ones', async () => {
    const { exitCode, stderr } = await restart('calculater-2');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('there is nothing called "calculater-2" to restart. Did you mean "calculator-2"?');
    expect(stderr).toContain('There are: postgres, calculator, calculator-1, calculator-2');
    expect((await restart()).exitCode).toBe(2);
    expect(launcher.requests()).toEqual([]);
  });

  it('completes names, with the state of each', async () => {
    const { stdout } = await rondo(['complete', '--', 'restart', 'calculator'], { dataDirectory: launcher.data });
    expect(stdout.trimEnd().split('\n')).toEqual([
      'calculator\tall of its instances',
      'calculator-1\trunning',
      'calculator-2\tfailed',
    ]);
  });
});
