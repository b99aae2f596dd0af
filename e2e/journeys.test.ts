import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from './src/eventually.js';
import { isAlive } from './src/process-table.js';
import { examplesOf } from './src/readme.js';
import { start } from './src/run.js';
import { type System, startSystem } from './src/system.js';
import { toTally } from './src/tally.js';

const ADD = 'calculator.v1.CalculatorService/Add';
const TWO_AND_THREE = '{"a": 2, "b": 3}';

let system: System;

const shell = (command: string) => start('/bin/sh', ['-c', command]).ended;

const isInstalled = async (program: string) => (await shell(`command -v ${program}`)).code === 0;

beforeAll(async () => {
  system = await startSystem();
}, 120_000);

afterAll(async () => {
  const names = ['registry', 'calculator-1', 'project-management-1', 'sales-1'];
  const pids = names.map((name) => system.pid(name));
  const { code } = await system.stop();
  expect(code).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(names.filter((name) => !system.log(name).includes('"msg":"drained"'))).toEqual([]);
  system.remove();
});

describe('journey 1: a newcomer', () => {
  it('is told where everything is and what to try', () => {
    for (const text of ['calculator-1', 'sales.v1.QuoteService', 'projects.v1.ProjectService', 'npx rondo ps']) {
      expect(system.banner).toContain(text);
    }
  });

  it('sees every instance in the registry', async () => {
    const { code, stdout } = await system.rondo('ps', '--json');
    expect(code).toBe(0);
    const { instances } = JSON.parse(stdout);
    expect(instances.map(({ instanceId }: { instanceId: string }) => instanceId).sort()).toEqual([
      'calculator-1',
      'calculator-2',
      'calculator-3',
      'project-management-1',
      'sales-1',
    ]);
  });

  it('is told whom a client would pick, and what share each gets', async () => {
    const { code, stdout } = await system.rondo('pick', 'CalculatorService/Add', '--explain', '--json');
    const { policy, endpoints } = JSON.parse(stdout);
    expect({ code, policy }).toMatchObject({ code: 0, policy: { name: 'round_robin', origin: 'default' } });
    const shares = endpoints.map(({ share }: { share: number }) => share);
    expect(shares).toHaveLength(3);
    for (const share of shares) expect(share).toBeCloseTo(1 / 3, 2);
  });

  it('is told by the doctor that what runs is well', async () => {
    // On a busy machine it may find once that something answers late.
    await eventually(30_000, async () => {
      const { findings } = JSON.parse((await system.rondo('doctor', '--json')).stdout);
      const named = Object.fromEntries(findings.map((one: { name: string }) => [one.name, one]));
      expect(named).toMatchObject({
        // A note in the first seconds, while a registry may not know all.
        registry: { state: expect.stringMatching(/^(ok|note)$/), detail: expect.stringContaining(system.registry) },
        instances: { state: 'ok', detail: '5 of 5 are SERVING' },
        health: { state: 'ok' },
        clock: { state: 'ok', detail: expect.stringContaining("the registry's is within") },
      });
    });
  });

  it('calls Add on both contracts', async () => {
    const versioned = await system.rondo('call', ADD, TWO_AND_THREE);
    expect(JSON.parse(versioned.stdout)).toEqual({ result: '5' });
    const published = await system.rondo('call', 'calculator.Calculator/Add', TWO_AND_THREE);
    expect(JSON.parse(published.stdout)).toEqual({ result: '5' });
  });

  it('gets from grpcurl what README.md shows, without a proto file', async () => {
    if (!(await isInstalled('grpcurl'))) {
      process.stdout.write('grpcurl is not installed here: this part of journey 1 was left out\n');
      return;
    }
    const examples = examplesOf('grpcurl');
    expect(examples).toHaveLength(3);
    for (const { command, output } of examples) {
      const { stdout, stderr } = await shell(command.replace('localhost:50051', system.address(1)));
      expect(stdout + stderr).toBe(output);
    }
    const { stdout } = await shell(`grpcurl -plaintext ${system.address(1)} describe calculator.v1.CalculatorService`);
    expect(stdout).toContain('rpc Add');
  });

  it('fills in a company that spans all services', async () => {
    const seed = () => start(process.execPath, ['scripts/run.mjs', 'seed'], { RONDO_REGISTRY: system.registry }).ended;
    const first = await seed();
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/accepted: orders\/\S+, delivered by projects\/\S+, \d+ minutes of work/);
    const again = await seed();
    const made = (stdout: string) => stdout.match(/(?:quotes|orders|projects)\/[\w-]+/g);
    expect(made(again.stdout)).toEqual(made(first.stdout));
  });
});

describe('journey 2: replicas come and go', () => {
  it('reaches all three in turn, the first time', async () => {
    const { stdout } = await system.rondo('call', ADD, TWO_AND_THREE, '--count', '9', '--json');
    const { failed, instances } = toTally(stdout);
    expect(failed).toBe(0);
    expect(instances).toEqual({ 'calculator-1': 3, 'calculator-2': 3, 'calculator-3': 3 });
  });

  it('fails no call when one is killed, and uses a fourth when it appears', async () => {
    const caller = system.startRondo('call', ADD, TWO_AND_THREE, '--rate', '200', '--concurrency', '8', '--json');
    await eventually(30_000, async () => {
      const { stdout } = await system.rondo('call', ADD, TWO_AND_THREE, '--count', '3', '--json');
      expect(Object.keys(toTally(stdout).instances)).toHaveLength(3);
    });
    process.kill(system.pid('calculator-2'), 'SIGKILL');
    system.addInstance('calculator', 'calculator-4');
    await eventually(30_000, async () => {
      const { stdout } = await system.rondo('call', ADD, TWO_AND_THREE, '--count', '6', '--json');
      expect(toTally(stdout).instances).toMatchObject({ 'calculator-4': 2 });
    });
    caller.process.kill('SIGINT');
    const { failed, codes, instances } = toTally((await caller.ended).stdout);
    expect({ failed, codes: Object.keys(codes) }).toEqual({ failed: 0, codes: ['OK'] });
    expect(instances['calculator-4']).toBeGreaterThan(0);
  });
});
