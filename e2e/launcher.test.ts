import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, freeBase, runNode, type System, startSystem } from '@rondo/harness';
import { ask, socketOf } from './src/ask.js';
import { plannedInstances } from './src/repository.js';

/** So long that the path of a socket in it is too long. */
const LONG = `rondo-e2e-${'long'.repeat(25)}-`;
const CALCULATORS = ['calculator-1', 'calculator-2', 'calculator-3'];
const EVERYTHING = plannedInstances();

let system: System;
let socket: string;

beforeAll(async () => {
  const env = { RONDO_METRICS: '127.0.0.1:9464', RONDO_LOG_LEVEL: 'warn' };
  system = await startSystem({ prefix: LONG, metrics: true, env });
  socket = socketOf(system.data);
});

afterAll(async () => {
  const { code } = await system.stop();
  expect(code).toBe(0);
  const left = ['launcher.json', 'launcher.lock', 'processes.json'].map((name) => join(system.data, name));
  expect([...left, dirname(socket)].filter(existsSync)).toEqual([]);
  system.remove();
});

const processes = (): Record<string, number> => JSON.parse(readFileSync(join(system.data, 'processes.json'), 'utf8'));

const namesOf = (replies: Awaited<ReturnType<typeof ask>>) =>
  replies
    .at(-1)
    ?.rows?.map(({ name }) => name)
    .sort() ?? replies.at(-1);

describe('a running system', () => {
  it('listens on a socket for this user alone, in another folder if the path of the data is too long', () => {
    expect(socket.startsWith(system.data)).toBe(false);
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  });

  it('serves the metrics of each process at a port of its own, which it names', async () => {
    const addresses = [...system.banner.matchAll(/^ {2}(\S+) +(http:\S+\/metrics)$/gm)];
    expect(addresses.map(([, name]) => name).sort()).toEqual([...EVERYTHING].sort());
    for (const [, , url = ''] of addresses) {
      expect(await (await fetch(url)).text()).toContain('# TYPE ');
    }
    expect(system.stderr()).toContain(
      'RONDO_METRICS is one address, and many processes run: --metrics gives each its own',
    );
  });

  it('lists what runs', async () => {
    const [reply] = await ask(system.data, { command: 'status' });
    expect(reply?.rows?.map(({ name }) => name).sort()).toEqual([...EVERYTHING].sort());
    expect(reply?.rows?.[0]).toEqual({
      name: 'registry',
      address: system.registry,
      services: ['rondo.registry.v1.RegistryService'],
    });
  });

  it('restarts a service, and no other', async () => {
    const before = processes();
    expect(namesOf(await ask(system.data, { command: 'restart', name: 'sales' }))).toEqual(['sales-1']);
    const after = processes();
    expect(Object.keys(after).sort()).toEqual([...EVERYTHING].sort());
    expect(EVERYTHING.filter((name) => before[name] !== after[name])).toEqual(['sales-1']);
  });

  it('stops a service and starts it again; what runs already stays as it is', async () => {
    expect(await ask(system.data, { command: 'stop', service: 'calculator' })).toEqual([{ event: 'done', rows: [] }]);
    expect(Object.keys(processes()).filter((name) => CALCULATORS.includes(name))).toEqual([]);
    expect(namesOf(await ask(system.data, { command: 'status' }))).not.toContain('calculator-1');
    expect(namesOf(await ask(system.data, { command: 'start', service: 'calculator' }))).toEqual(CALCULATORS);
    const before = processes();
    const again = await ask(system.data, { command: 'start', service: 'calculator' });
    expect(again[0]).toEqual({ event: 'log', line: 'calculator runs already' });
    expect(namesOf(again)).toEqual(CALCULATORS);
    expect(processes()).toEqual(before);
  });

  it('leaves a process that has ended by itself down, with --no-restart, until it is restarted on request', async () => {
    process.kill(system.pid('calculator-3'), 'SIGKILL');
    await eventually(() => expect(system.stderr()).toContain('calculator-3 has ended (SIGKILL) and stays down'));
    const [listed] = await ask(system.data, { command: 'processes' });
    const states = listed?.processes?.map(({ name, state }) => [name, state]);
    expect(states).toEqual(
      expect.arrayContaining([
        ['calculator-3', 'ended'],
        ['calculator-2', 'running'],
      ]),
    );
    expect(namesOf(await ask(system.data, { command: 'restart', name: 'calculator-3' }))).toEqual(['calculator-3']);
    expect(Object.keys(processes()).sort()).toEqual([...EVERYTHING].sort());
  });

  it('says which port is taken, and goes on', async () => {
    await ask(system.data, { command: 'stop', service: 'calculator' });
    const port = Number(system.address(1).split(':')[1]);
    // Its clients connect to it again, and a server closes only once its connections have.
    const server = createServer((client) => client.destroy());
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const refused = await ask(system.data, { command: 'start', service: 'calculator' });
    await new Promise((resolve) => server.close(resolve));
    expect(refused).toEqual([
      {
        event: 'failed',
        message:
          `in use already: port ${port} (calculator-1). ` +
          'Stop what listens there, or give the service another port in its package.json',
      },
    ]);
    expect(namesOf(await ask(system.data, { command: 'start', service: 'calculator' }))).toEqual(CALCULATORS);
  });

  it.each([
    [
      'a line that is not JSON',
      'start sales\n',
      'a request is a JSON object, such as {"command":"start","service":"greeter"}',
    ],
    [
      'another command',
      '{"command":"halt"}\n',
      '"command" must be one of start, stop, forget, restart, status, processes',
    ],
    [
      'a restart without a name',
      '{"command":"restart"}\n',
      '"name" must name what to restart: a service, one of its instances, or postgres',
    ],
    [
      'a command without a service',
      '{"command":"start"}\n',
      '"service" must name the one to start: its folder under services/',
    ],
    ['a line without an end', ' '.repeat(5_000), 'a request is a JSON line of at most 4096 bytes'],
    [
      'a path',
      '{"command":"start","service":"../sales"}\n',
      expect.stringMatching(/^there is no service "..\/sales" under services\/; there are: .*calculator, /),
    ],
    [
      'to stop the registry',
      '{"command":"stop","service":"registry"}\n',
      'all services need the registry: Ctrl-C stops the whole system',
    ],
  ])('refuses %s', async (_what, request, message) => {
    expect(await ask(system.data, request)).toEqual([{ event: 'failed', message }]);
  });

  it('refuses to share its data with another system', async () => {
    const args = ['scripts/run.mjs', 'start', '--data', system.data, '--port-base', String(await freeBase())];
    const { code, stderr } = await runNode(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^npm start: \S+ is in use by npm start \(process \d+\); stop that one, or choose another folder: npm start -- --data DIR\n$/,
    );
  });
});
