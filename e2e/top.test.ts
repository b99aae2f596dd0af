/** `rondo top` over real processes: what it shows is what they did. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { eventually, root, runNode, type ServiceProcess, start, startRegistry, startService } from '@rondo/harness';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';

const SERVICE = 'rondo.conformance.v1.AdderService';
const RONDO = join(root, 'scripts/rondo.mjs');

let registry: ServiceProcess;
const adders: ServiceProcess[] = [];
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  registry = await startRegistry();
  closers.push(() => registry.stop());
  for (const instanceId of ['adder-1', 'adder-2', 'adder-3']) {
    const options = { main: 'e2e/src/adder-service.mjs', instanceId, registry: registry.address };
    const adder = await startService('adder', options);
    closers.push(() => adder.stop());
    adders.push(adder);
  }
});

afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

interface Row {
  readonly name: string;
  readonly state?: string;
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly errors: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly inFlight: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly requestBytesPerSecond: number;
  readonly replyBytesPerSecond: number;
}

interface Top {
  readonly rows: readonly Row[];
  readonly services: readonly {
    readonly instances: number;
    readonly unreachable: number;
    readonly load: number;
    readonly availability: number;
    readonly allFail: number;
  }[];
  readonly instances: readonly { readonly instanceId: string; readonly state: string }[];
}

async function top(...args: readonly string[]): Promise<Top> {
  const env = { RONDO_REGISTRY: registry.address };
  const { code, stdout, stderr } = await runNode([RONDO, 'top', 'AdderService', '--once', '--json', ...args], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

/** Calls Add at a rate until the test ends. */
function load(request: string, rate: number): void {
  const args = [RONDO, 'call', 'AdderService/Add', request, '--rate', `${rate}`, '--count', '1000000'];
  const running = start(process.execPath, args, { env: { RONDO_REGISTRY: registry.address } });
  closers.push(() => running.stop('SIGKILL'));
}

it('shows the rates, errors and calls in flight of a known load', async () => {
  load('{"a": 2, "b": 3}', 40);
  load('{"a": 2, "b": -3}', 10);
  const channel = createRegistryChannel({ registry: [registry.address] });
  closers.push(() => channel.close());
  const ended = new AbortController();
  const slow = createClient(AdderServiceDefinition, { channel })
    .add({ a: 99n }, { signal: ended.signal, timeoutMs: 600_000 })
    .catch(() => undefined);
  closers.push(async () => {
    ended.abort();
    await slow;
  });

  await eventually(async () => {
    const { rows, services, instances } = await top('--by', 'method', '--interval', '2s');
    expect(instances.map(({ state }) => state)).toEqual(['counted', 'counted', 'counted']);
    const [row] = rows;
    if (row === undefined) throw new Error('no method was called');
    const { OK: answered = 0, INVALID_ARGUMENT: refused = 0 } = row.statuses;
    expect(row).toMatchObject({ name: `${SERVICE}/Add`, errors: refused });
    expect(row.inFlight).toBeGreaterThanOrEqual(1);
    // Four answered calls for a refused one, if the loads keep their pace.
    expect(answered / refused).toBeGreaterThan(2);
    expect(answered / refused).toBeLessThan(8);
    expect(row.callsPerSecond).toBeGreaterThan(10);
    expect(row.callsPerSecond).toBeLessThan(200);
    expect(row.p99Ms).toBeGreaterThanOrEqual(row.p50Ms ?? Number.NaN);
    // A request of two small numbers has 4 bytes, one with a negative number 13; a reply has 2.
    expect(row.requestBytesPerSecond / row.callsPerSecond).toBeGreaterThan(4);
    expect(row.requestBytesPerSecond / row.callsPerSecond).toBeLessThan(13);
    expect(row.replyBytesPerSecond / row.requestBytesPerSecond).toBeLessThan(1);
    expect(services).toMatchObject([{ instances: 3, unreachable: 0, availability: 1, allFail: 0 }]);
    expect(services[0]?.load).toBeCloseTo(row.callsPerSecond / 3, 6);
  });
});

it('shows each instance with its part of the calls', async () => {
  await eventually(async () => {
    const { rows } = await top('--by', 'instance', '--interval', '2s');
    expect(rows.map(({ name }) => name).sort()).toEqual(['adder-1', 'adder-2', 'adder-3']);
    const calls = rows.map((row) => row.calls);
    expect(Math.max(...calls)).toBeLessThan(2 * Math.min(...calls));
    expect(rows.reduce((sum, { inFlight }) => sum + inFlight, 0)).toBeGreaterThanOrEqual(1);
  });
});

it('shows an instance that was killed as unreachable, and what that means', async () => {
  // It stays registered until its lease runs out.
  adders[1]?.process.kill('SIGKILL');
  await eventually(async () => {
    const { rows, services } = await top('--by', 'instance', '--interval', '500ms');
    expect(rows.find(({ name }) => name === 'adder-2')).toMatchObject({ state: 'unreachable', calls: 0 });
    expect(rows.find(({ name }) => name === 'adder-1')?.calls).toBeGreaterThan(0);
    const [service] = services;
    expect(service).toMatchObject({ instances: 3, unreachable: 1 });
    expect(service?.availability).toBeCloseTo(2 / 3, 6);
    expect(service?.allFail).toBeCloseTo((1 / 3) ** 3, 6);
  });
  await eventually(async () => {
    const after = await top('--interval', '100ms');
    expect(after.instances.map(({ instanceId }) => instanceId)).toEqual(['adder-1', 'adder-3']);
  });
});
