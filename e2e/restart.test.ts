import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, isAlive, type System, startSystem } from '@rondo/harness';
import { ask } from './src/ask.js';
import { plannedInstances } from './src/repository.js';
import { toTally } from './src/tally.js';

let system: System;

beforeAll(async () => {
  system = await startSystem({ restarts: true });
});

afterAll(() => system.remove());

async function processOf(name: string) {
  const found = (await ask(system.data, { command: 'processes' })).at(-1)?.processes?.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} isn't listed`);
  return found;
}

/** Kills a process once it is ready; gives its id when the launcher has noticed. */
async function kill(name: string): Promise<number> {
  const pid = await eventually(async () => {
    const found = await processOf(name);
    expect(found).toMatchObject({ state: 'running', pid: expect.any(Number) });
    return found.pid ?? Number.NaN;
  });
  process.kill(pid, 'SIGKILL');
  await eventually(async () => expect((await processOf(name)).pid).not.toBe(pid));
  return pid;
}

/** Waits until another process has the name, and is ready. */
async function untilBack(name: string, before: number): Promise<void> {
  await eventually(async () => {
    const { state, pid } = await processOf(name);
    expect({ state, isAnother: pid !== before }).toEqual({ state: 'running', isAnother: true });
  });
}

const says = (text: string) => eventually(() => expect(system.stderr()).toContain(text));

const call = (method: string, request: object, ...options: readonly string[]) =>
  system.rondo('call', method, JSON.stringify(request), ...options);

const restart = (...words: readonly string[]) => system.rondo('restart', ...words, '--data', system.data);

describe('a process that ends by itself is started again', () => {
  it('an instance: calls reach it again', async () => {
    await untilBack('calculator-2', await kill('calculator-2'));
    const logs = `Its log: ./rondo logs calculator-2 --data ${system.data}`;
    expect(system.stderr()).toContain(`calculator-2 has ended (SIGKILL): it is restarted in 0.5 s. ${logs}`);
    await says('calculator-2 runs again');
    await eventually(async () => {
      const { stdout } = await call('calculator.v1.CalculatorService/Add', { a: 2, b: 3 }, '--count', '9', '--json');
      const { failed, instances } = toTally(stdout);
      expect([failed, Object.keys(instances)]).toEqual([0, expect.arrayContaining(['calculator-2'])]);
    });
    // The log goes on, and has what led to the end.
    expect(system.log('calculator-2').match(/listening/g)).toHaveLength(2);
  });

  it('the registry: it lists everything again', async () => {
    await untilBack('registry', await kill('registry'));
    await eventually(async () => {
      const { instances } = JSON.parse((await system.rondo('ps', '--json')).stdout);
      expect(instances).toHaveLength(plannedInstances().length - 1); // the registry isn't registered with itself
    });
  });

  it('PostgreSQL: what was written is there', async () => {
    const customer = { displayName: 'Ada', email: 'ada@example.com' };
    const created = await call('sales.v1.CustomerService/CreateCustomer', { customer });
    expect(created).toMatchObject({ code: 0, stderr: '' });
    const made = JSON.parse(created.stdout);
    await untilBack('postgres', await kill('postgres'));
    await eventually(async () => {
      const { stdout } = await call('sales.v1.CustomerService/GetCustomer', { name: made.name });
      expect(JSON.parse(stdout)).toEqual(made);
    });
    // Stacks name the sources, and not what they are compiled to.
    await eventually(() => expect(system.log('sales-1')).toMatch(/packages\/database\/src\/\w+\.ts:\d+/));
    expect(system.log('sales-1')).not.toMatch(/packages\/database\/dist\//);
    expect(system.log('postgres')).toMatch(/database system was not properly shut down/);
  });
});

describe('rondo restart', () => {
  it('drains an instance and waits until it is ready; the others keep running', async () => {
    const before = [system.pid('calculator-1'), system.pid('calculator-3')];
    const { code, stdout } = await restart('calculator-1');
    expect({ code, stdout }).toEqual({ code: 0, stdout: `calculator-1 runs again at ${system.address(1)}\n` });
    expect([isAlive(before[0] ?? 0), system.pid('calculator-3')]).toEqual([false, before[1]]);
    expect((await processOf('calculator-1')).state).toBe('running');
  });

  it('restarts a whole service, and PostgreSQL', async () => {
    const restarted = JSON.parse((await restart('calculator', '--json')).stdout).restarted;
    expect(restarted.map(({ name }: { name: string }) => name).sort()).toEqual([
      'calculator-1',
      'calculator-2',
      'calculator-3',
    ]);
    const { pid } = await processOf('postgres');
    expect(await restart('postgres')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^postgres runs again/) });
    expect((await processOf('postgres')).pid).not.toBe(pid);
  });

  it('says what can be restarted, and that no system runs', async () => {
    expect(await restart('calculator-4')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /there is nothing called "calculator-4" to restart\. Did you mean "calculator-\d"\?/,
      ),
    });
    expect(await restart()).toMatchObject({ code: 2 });
    expect(await system.rondo('restart', 'sales', '--data', `${system.data}/none`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no system runs'),
    });
  });
});

describe('a process that ends five times within a minute', () => {
  it('stays down, until it is restarted on request', async () => {
    for (let exit = 1; exit <= 5; exit += 1) await kill('calculator-3');
    await says('calculator-3 has ended (SIGKILL), 5 times within a minute: it stays down');
    expect(system.stderr()).toContain(`Once the cause is fixed: ./rondo restart calculator-3 --data ${system.data}`);
    expect(await processOf('calculator-3')).toMatchObject({ state: 'failed', exits: 5 });
    expect(await restart('calculator-3')).toMatchObject({ code: 0 });
    expect((await processOf('calculator-3')).exits).toBeUndefined();
  });
});

it('a system that stops during a backoff restarts nothing', async () => {
  for (let exit = 1; exit <= 4; exit += 1) await kill('calculator-3');
  await says('it is restarted in 4 s');
  await eventually(async () => expect((await processOf('calculator-3')).state).toBe('backoff'));
  const known = system.stderr().match(/calculator-3 runs again/g)?.length;
  const others = ['registry', 'calculator-1', 'sales-1'].map((name) => system.pid(name));
  const { code, stderr } = await system.stop();
  expect(code).toBe(0);
  expect(stderr.match(/calculator-3 runs again/g)).toHaveLength(known ?? 0);
  expect(others.filter(isAlive)).toEqual([]);
});
