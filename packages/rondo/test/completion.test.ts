import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { ManualClock } from '@rondo/rpc/testing';
import { startFakeRegistry } from './fake-registry.js';
import { rondo } from './recording-context.js';
import { startAdder, startConformance } from './services.js';

let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let running: Awaited<ReturnType<typeof startAdder>>[];
let dataDirectory: string;

beforeAll(async () => {
  registry = await startFakeRegistry();
  running = [await startAdder('adder-1', registry.address), await startConformance('a-1', registry.address)];
  for (const { instanceId } of running) await registry.until(instanceId, 'INSTANCE_STATUS_SERVING');
  registry.mark('out-1', 'odd answers');
  registry.mark('gone-1', '');
  registry.put(Instance.fromPartial({ instanceId: 'out-1', services: ['published.v1.Adder'] }));
  dataDirectory = mkdtempSync(path.join(tmpdir(), 'rondo-completion-'));
  mkdirSync(path.join(dataDirectory, 'logs'));
  for (const name of ['registry', 'adder-1', 'adder-2']) {
    writeFileSync(path.join(dataDirectory, 'logs', `${name}.log`), '');
  }
});

afterAll(async () => {
  await Promise.all(running.map((service) => service.drain()));
  await registry.stop();
  rmSync(dataDirectory, { recursive: true });
});

/** A registry that answers is waited for, however busy the machine is: the time limit doesn't pass on this clock. */
const stillClock: Clock = new ManualClock();

/** The candidates for the last of `words`. */
async function complete(
  words: readonly string[],
  { address = registry.address, clock = stillClock } = {},
): Promise<readonly string[]> {
  const environment = { RONDO_REGISTRY: address };
  const options = { environment, dataDirectory, clock };
  const { exitCode, stdout, stderr } = await rondo(['complete', '--', ...words], options);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : (line.split('\t')[0] ?? '')));
}

const ADD = 'rondo.conformance.v1.AdderService/Add';

describe('rondo complete', () => {
  it.each<[words: readonly string[], found: readonly string[]]>([
    [['c'], ['console', 'call', 'check', 'cordon', 'config', 'certs', 'completion']],
    [
      ['jobs', ''],
      ['ls', 'retry', 'discard', 'run'],
    ],
    [['jobs', 'retry', ''], []],
    [['jobs', 'retry', '17', 'published'], ['published.v1.Adder']],
    [['--'], ['--help', '--version']],
    [
      ['help', 'to'],
      ['top', 'token'],
    ],
    [['help', 'top', ''], []],
    [['nothing', ''], []],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['completion', 'bash', ''], []],
    [
      ['ps', '--'],
      ['--check', '--registry', '--json', '--help'],
    ],
    [['ps', '--json', '--j'], []],
    [['call', '-H', 'a=b', '-H', 'c=d', '--me'], ['--metadata']],
    [['logs', '--data', ''], [':folders']],
    [['logs', '--data=x'], [':folders']],
    [
      ['logs', ''],
      ['adder', 'adder-1', 'adder-2', 'registry'],
    ],
    [['logs', 'registry', ''], []],
    [['logs', '--data', '/nowhere', ''], []],
    [['call', '--rate', ''], []],
    [
      ['ps', 'Add'],
      ['Adder', 'AdderService'],
    ],
    [['top', 'pub'], ['published.v1.Adder']],
    [['top', '--json', '--', 'pub'], ['published.v1.Adder']],
    [
      ['call', 'rondo.'],
      [':nospace', 'rondo.conformance.v1.AdderService/', 'rondo.conformance.v1.ConformanceService/'],
    ],
    [['call', 'rondo.conformance.v1.AdderService/A'], [ADD]],
    [['call', 'AdderService/A'], ['AdderService/Add']],
    [['call', '--timeout', '2s', 'AdderService/A'], ['AdderService/Add']],
    [['call', 'rondo.conformance.v1.AdderService/'], [ADD]],
    [
      ['drain', ''],
      ['a-1', 'adder-1', 'out-1'],
    ],
    [['drain', 'adder-1', ''], []],
    [
      ['cordon', 'a'],
      ['a-1', 'adder-1'],
    ],
    [['cordon', 'adder-1', '--reason', 'x', ''], ['a-1']],
    [
      ['uncordon', ''],
      ['out-1', 'gone-1'],
    ],
    [['uncordon', 'gone-1', ''], ['out-1']],
    [['call', ADD, '{'], []],
    [['call', 'Nobody/'], []],
  ])('%j', async (words, found) => {
    expect(await complete(words)).toEqual(found);
  });

  it('lists the methods if the name fits only one service', async () => {
    expect(await complete(['call', 'Conf'])).toContain('ConformanceService/BidiStream');
  });

  it('asks the server that --address names', async () => {
    const words = ['call', '--address', running[1]?.address ?? '', 'ConformanceService/Unary'];
    expect(await complete(words, { address: '127.0.0.1:1' })).toEqual([
      'ConformanceService/Unary',
      'ConformanceService/UnaryUnsafe',
    ]);
  });

  it.each([['ps'], ['call'], ['top'], ['drain'], ['uncordon']])(
    'finds nothing for rondo %s, and keeps quiet, without a registry',
    async (name) => {
      expect(await complete([name, 'C'], { address: '127.0.0.1:1', clock: systemClock })).toEqual([]);
      expect(await complete([name, 'C'], { address: 'no address', clock: systemClock })).toEqual([]);
    },
  );

  it('describes each candidate', async () => {
    expect((await rondo(['complete', '--', 'aud'])).stdout).toMatch(/^audit\tShows who did what .*\n$/);
    const { stdout } = await rondo(['complete', '--', 'uncordon', '--registry', registry.address, '']);
    expect(stdout).toBe('out-1\tCORDONED odd answers published.v1.Adder\ngone-1\tnot registered\n');
  });
});

describe('rondo completion', () => {
  it.each(['bash', 'zsh', 'fish'])('prints a script for %s that runs the program that printed it', async (shell) => {
    const { exitCode, stdout } = await rondo(['completion', shell]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("node '/nowhere/rondo.mjs' complete -- ");
  });

  it.each([
    [[], 'Name the shell: bash, zsh, fish'],
    [['bsh'], '"bsh" is not a known shell. Did you mean "bash"? Name the shell: bash, zsh, fish'],
  ])('refuses %j', async (args, message) => {
    const { exitCode, stderr } = await rondo(['completion', ...args]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});
