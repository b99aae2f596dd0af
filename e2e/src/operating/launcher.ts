import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { until } from '@rondo/harness';
import type { Metadata } from '@rondo/rpc/call';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { ask, socketOf } from '../ask.js';
import { plannedInstances } from '../planned-instances.js';
import { system } from './system.js';

const CALCULATORS = ['calculator-1', 'calculator-2', 'calculator-3'];
const EVERYTHING = plannedInstances();

const processes = (): Record<string, number> => JSON.parse(readFileSync(join(system.data, 'processes.json'), 'utf8'));

const namesOf = (replies: Awaited<ReturnType<typeof ask>>) =>
  replies
    .at(-1)
    ?.rows?.map(({ name }) => name)
    .sort() ?? replies.at(-1);

/** Calls a service, eight times at once every tenth of a second, until `stop`, which rejects with the first call that failed. */
function startCalls() {
  const over = new AbortController();
  const served = new Set<string | undefined>();
  const channel = createRegistryChannel({ registry: [system.registry] });
  const { add } = createClient(CalculatorServiceDefinition, { channel });
  const onTrailer = (trailer: Metadata) => void served.add(trailer.get('rondo-served-by'));
  const call = async (): Promise<void> => {
    for (; !over.signal.aborted; await pause(100)) await add({ a: 1n, b: 2n }, { onTrailer });
  };
  const calls = Promise.all(Array.from({ length: 8 }, call));
  calls.catch(() => undefined); // `stop` rejects with it
  const stop = async (): Promise<void> => {
    over.abort();
    await calls.finally(() => channel.close());
  };
  return { served, stop };
}

describe('a running system', () => {
  it('listens on a socket for this user alone, in another folder if the path of the data is too long', () => {
    const socket = socketOf(system.data);
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

  it('stops a service, says which port is taken, and starts it; what runs already stays as it is', async () => {
    const stopped = await ask(system.data, { command: 'stop', service: 'calculator' });
    expect(stopped).toEqual([{ event: 'done', rows: [] }]);
    expect(Object.keys(processes()).filter((name) => CALCULATORS.includes(name))).toEqual([]);
    expect(namesOf(await ask(system.data, { command: 'status' }))).not.toContain('calculator-1');
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
    const before = processes();
    const again = await ask(system.data, { command: 'start', service: 'calculator' });
    expect(again[0]).toEqual({ event: 'log', line: 'calculator runs already' });
    expect(namesOf(again)).toEqual(CALCULATORS);
    expect(processes()).toEqual(before);
  });

  it('scales a service without a failed call', async () => {
    const scale = (instances: number) => system.rondo('scale', 'calculator', String(instances), '--data', system.data);
    const running = () => Object.keys(processes()).filter((name) => CALCULATORS.includes(name.replace(/\d$/, '1')));
    const { stop, served } = startCalls();
    try {
      expect(await scale(5)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^calculator-5 runs at 127\./m) });
      expect(running().sort()).toEqual([...CALCULATORS, 'calculator-4', 'calculator-5']);
      await until(() => served.has('calculator-5') || undefined, { what: 'calculator-5 serves' });
      expect(await scale(1)).toMatchObject({ code: 0, stdout: `calculator-1 runs at ${system.address(1)}\n` });
      expect(running()).toEqual(['calculator-1']);
      for (const name of ['calculator-3', 'calculator-5']) expect(system.log(name)).toContain('"drained"');
    } finally {
      await stop();
    }
    expect(await scale(0)).toMatchObject({ code: 0, stdout: 'no instance of calculator runs\n' });
    expect(running()).toEqual([]);
    const { stdout } = await system.rondo('doctor', '--json', '--data', system.data);
    const found = JSON.parse(stdout).findings.find(({ name }: { readonly name: string }) => name === 'processes');
    expect(found).toMatchObject({ state: 'ok' });
    expect(await scale(1)).toMatchObject({ code: 0, stdout: `calculator-1 runs at ${system.address(1)}\n` });
  });

  it('keeps the number of instances over a restart of the service, and of no other, and doctor misses none', async () => {
    const { rows } = (await ask(system.data, { command: 'scale', service: 'calculator', instances: 2 })).at(-1) ?? {};
    expect(rows?.map(({ name }) => name).sort()).toEqual(['calculator-1', 'calculator-2']);
    const before = processes();
    expect(namesOf(await ask(system.data, { command: 'restart', name: 'calculator' }))).toHaveLength(2);
    const after = processes();
    expect(Object.keys(after).filter((name) => before[name] !== after[name])).toEqual(['calculator-1', 'calculator-2']);
    const { stdout } = await system.rondo('doctor', '--data', system.data, '--json');
    expect(stdout).toContain(`all ${EVERYTHING.length - 1} that are planned run`);
    expect(namesOf(await ask(system.data, { command: 'scale', service: 'calculator', instances: 3 }))).toEqual(
      CALCULATORS,
    );
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
      '"command" must be one of start, stop, reset, database, restart, scale, status, processes',
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
    [
      'more instances than a machine holds',
      '{"command":"scale","service":"sales","instances":21}\n',
      'npm start runs 0 to 20 instances of a service, as they share this machine; give such a number, ' +
        'or run more in containers: docker compose up --scale sales=21',
    ],
    [
      'to scale the registry',
      '{"command":"scale","service":"registry","instances":2}\n',
      "npm start runs one registry; Rondo's docs/guides/run-a-system.md has more",
    ],
    [
      'to scale an unknown service',
      '{"command":"scale","service":"calculater","instances":2}\n',
      expect.stringMatching(/^there is no service "calculater" in services\/; there are: .*calculator, /),
    ],
    ['a line without an end', ' '.repeat(5_000), 'a request is a JSON line of at most 4096 bytes'],
    [
      'a path',
      '{"command":"start","service":"../sales"}\n',
      expect.stringMatching(/^there is no service "..\/sales" in services\/; there are: .*calculator, /),
    ],
    [
      'to stop the registry',
      '{"command":"stop","service":"registry"}\n',
      'all services need the registry: Ctrl-C stops the whole system',
    ],
  ])('refuses %s', async (_what, request, message) => {
    expect(await ask(system.data, request)).toEqual([{ event: 'failed', message }]);
  });
});
