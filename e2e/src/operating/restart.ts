import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { createPool } from '@rondo/database';
import { eventually, isAlive, until } from '@rondo/harness';
import { createChannel, createClient, createRegistryChannel, staticResolver } from '@rondo/rpc/client';
import { ask, socketOf } from '../ask.js';
import { plannedInstances } from '../planned-instances.js';
import { toTally } from '../tally.js';
import { system } from './system.js';

async function processOf(name: string) {
  const found = (await ask(system.data, { command: 'processes' })).at(-1)?.processes?.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} isn't listed`);
  return found;
}

/** Kills a process, be it ready or not, as soon as there is one; gives its id when the launcher has noticed. */
async function kill(name: string): Promise<number> {
  const pid = await until(async () => (await processOf(name)).pid, { what: `there is a process of ${name}` });
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

/** Waits until the registry, which isn't registered with itself, lists every instance. */
async function untilListed(): Promise<void> {
  const channel = createChannel({ resolver: staticResolver([system.registry]) });
  const { listInstances } = createClient(RegistryServiceDefinition, { channel });
  try {
    await eventually(async () => {
      expect((await listInstances({})).instances).toHaveLength(plannedInstances().length - 1);
    });
  } finally {
    channel.close();
  }
}

const says = (text: string) => eventually(() => expect(system.stderr()).toContain(text));

const call = (method: string, request: object, ...options: readonly string[]) =>
  system.rondo('call', method, JSON.stringify(request), ...options);

const restart = (...words: readonly string[]) => system.rondo('restart', ...words, '--data', system.data);

describe('a process that ends by itself is started again', () => {
  it('an instance: calls reach it again', async () => {
    const listened = system.log('calculator-2').match(/listening/g)?.length ?? 0;
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
    expect(system.log('calculator-2').match(/listening/g)).toHaveLength(listened + 1);
  });

  it('the registry: it lists everything again', async () => {
    await untilBack('registry', await kill('registry'));
    await untilListed();
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

  it('fails no call of the only instance, which goes on until its successor has been loaded', async () => {
    const channel = createRegistryChannel({ registry: [system.registry] });
    const { listProducts } = createClient(ProductServiceDefinition, { channel });
    await listProducts({});
    const before = await processOf('sales-1');
    const failures: unknown[] = [];
    let made = 0;
    let over = false;
    const calling = (async () => {
      while (!over) {
        await listProducts({}).catch((error: unknown) => failures.push(error));
        made += 1;
        await pause(20);
      }
    })();
    try {
      expect((await restart('sales-1')).code).toBe(0);
      const after = made;
      await until(() => made > after + 9, { what: 'calls reach the successor' });
    } finally {
      over = true;
      await calling;
      channel.close();
    }
    expect(failures).toEqual([]);
    expect([isAlive(before.pid ?? 0), (await processOf('sales-1')).state]).toEqual([false, 'running']);
  });

  it('restarts PostgreSQL', async () => {
    const { pid } = await processOf('postgres');
    expect(await restart('postgres')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^postgres runs again/) });
    expect((await processOf('postgres')).pid).not.toBe(pid);
  });
});

describe('rondo db reset', () => {
  it('begins anew, also with a service that can start no more, because an applied migration was changed', async () => {
    const customer = { displayName: 'Ada', email: 'reset@example.com' };
    expect(await call('sales.v1.CustomerService/CreateCustomer', { customer })).toMatchObject({ code: 0, stderr: '' });
    const url = (await ask(system.data, { command: 'database', service: 'sales' })).at(-1)?.rows?.[0]?.address ?? '';
    const database = createPool({ url });
    await database.query("UPDATE rondo_migrations SET sha256 = 'changed'").finally(() => database.close());
    const { code, stderr } = await restart('sales');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('run "rondo dev", then "rondo db reset sales"'),
    });
    expect(stderr).toMatch(/\nsales-1 as before: still running\n$/);
    expect(stderr).not.toContain('{"');
    const reset = await system.rondo('db', 'reset', 'sales', '--yes', '--data', system.data);
    expect(reset).toMatchObject({ code: 0, stdout: 'sales-1 runs with an empty database\n' });
    const { stdout } = await call('sales.v1.CustomerService/ListCustomers', {});
    expect(JSON.parse(stdout)).toMatchObject({ customers: [] });
  });

  it('says which services have no database', async () => {
    const { code, stderr } = await system.rondo('db', 'reset', 'calculator', '--yes', '--data', system.data);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('calculator has no database') });
  });
});

it('a system that stops during a backoff restarts nothing, and leaves nothing', async () => {
  for (let exit = 1; exit <= 2; exit += 1) await kill('calculator-3');
  const socket = socketOf(system.data);
  const pids = plannedInstances().map((name) => system.pid(name));
  await kill('calculator-3'); // it would start again 2 s later
  expect((await system.stop()).code).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
  const left = ['launcher.json', 'launcher.lock', 'processes.json', 'scales.json'].map((name) =>
    join(system.data, name),
  );
  expect([...left, dirname(socket)].filter(existsSync)).toEqual([]);
});
