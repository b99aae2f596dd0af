import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createRouter, serve } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import type { View } from '../src/top/view.js';
import { startFakeRegistry } from './fake-registry.js';
import { instance, instanceAt } from './instance.js';
import { begin, type RunOptions, rondo } from './recording-context.js';
import { startAdder, startConformance } from './services.js';

const ADDER = 'rondo.conformance.v1.AdderService';
const CONFORMANCE = 'rondo.conformance.v1.ConformanceService';

let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let environment: { RONDO_REGISTRY: string };
const closers: (() => unknown)[] = [];

beforeEach(async () => {
  registry = await startFakeRegistry();
  environment = { RONDO_REGISTRY: registry.address };
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await registry.stop();
});

async function adderAt(name: string, options?: Parameters<typeof startAdder>[2]) {
  const service = await startAdder(name, registry.address, options);
  closers.push(() => service.drain());
  await registry.until(name, 'INSTANCE_STATUS_SERVING');
  return service;
}

function channelTo(address: string) {
  const channel = createChannel({ resolver: staticResolver([address]) });
  closers.push(() => channel.close());
  return channel;
}

type Printed = View & { readonly notes: readonly string[] };

/** What `rondo top --once --json` prints. */
async function top(args: readonly string[] = [], options: RunOptions = {}): Promise<Printed> {
  const run = await rondo(['top', '--once', '--json', '--interval', '200ms', ...args], { environment, ...options });
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  return JSON.parse(run.stdout);
}

const stateOf = ({ instances }: View, id: string) => instances.find(({ instanceId }) => instanceId === id);
const rowOf = ({ rows }: View, name: string) => rows.find((row) => row.name === name);

describe('rondo top', () => {
  it('shows rates, errors, durations and bytes of the calls of an interval', async () => {
    const service = await adderAt('adder-1');
    const adder = createClient(AdderServiceDefinition, { channel: channelTo(service.address) });
    let stopped = false;
    const load = (async () => {
      // Of three calls one fails.
      for (let made = 0; !stopped; made += 1) {
        await adder.add({ a: 1n, b: made % 3 === 0 ? -1n : 2n }).catch(() => undefined);
      }
    })();
    let printed: Printed;
    do printed = await top(['AdderService', '--by', 'method']);
    while ((rowOf(printed, `${ADDER}/Add`)?.calls ?? 0) <= 3); // a busy machine makes few in 200 ms
    stopped = true;
    await load;
    const row = rowOf(printed, `${ADDER}/Add`);
    if (row === undefined) throw new Error(`no row: ${JSON.stringify(printed)}`);
    const { OK: answered = 0, INVALID_ARGUMENT: refused = 0 } = row.statuses;
    expect(Math.abs(row.calls - answered - refused)).toBeLessThanOrEqual(1);
    expect(Math.abs(answered - 2 * refused)).toBeLessThanOrEqual(2);
    expect(row.errors).toBe(refused);
    expect(row.callsPerSecond / row.calls).toBeCloseTo(row.errorsPerSecond / row.errors, 6);
    expect(row.p50Ms).toBeGreaterThan(0);
    expect(row.p99Ms).toBeGreaterThanOrEqual(row.p50Ms ?? 0);
    // A request has 4 bytes, or 13 with a negative number; a reply 2.
    expect(row.requestBytesPerSecond).toBeGreaterThan(row.callsPerSecond * 4);
    expect(row.replyBytesPerSecond).toBeGreaterThan(0);
  });

  it('shows calls in flight, by service, method and instance', async () => {
    const service = await startConformance('conformance-1', registry.address);
    closers.push(() => service.drain());
    await registry.until('conformance-1', 'INSTANCE_STATUS_SERVING');
    const client = createClient(ConformanceServiceDefinition, { channel: channelTo(service.address) });
    const ended = new AbortController();
    closers.push(() => ended.abort());
    const replies = client.serverStream({ count: 2 }, { signal: ended.signal })[Symbol.asyncIterator]();
    await replies.next();
    expect(rowOf(await top(), CONFORMANCE)).toMatchObject({ inFlight: 1, calls: 0, p50Ms: null });
    const byMethod = await top(['--by', 'method']);
    expect(rowOf(byMethod, `${CONFORMANCE}/ServerStream`)).toMatchObject({ inFlight: 1 });
    const byInstance = await top(['--by', 'instance']);
    expect(rowOf(byInstance, 'conformance-1')).toMatchObject({ inFlight: 1, state: 'counted' });
  });

  it('says which instances have no figures, and why', async () => {
    await adderAt('adder-1');
    registry.put(instanceAt('127.0.0.1:1', 'closed', [ADDER]));
    registry.put(instanceAt(registry.instance('adder-1')?.endpoints[0]?.address ?? '', 'moved', [ADDER]));
    registry.put(instance('nowhere', [ADDER], { endpoints: [] }));
    const plain = await serve(createRouter({ services: [] }), { listen: '127.0.0.1:0' });
    closers.push(() => plain.drain(0));
    registry.put(instanceAt(plain.address, 'foreign', [ADDER]));
    const printed = await top();
    expect(stateOf(printed, 'closed')).toMatchObject({ state: 'unreachable' });
    expect(stateOf(printed, 'moved')?.reason).toBe('"adder-1" answers at its address');
    expect(stateOf(printed, 'nowhere')?.reason).toBe('it names no address');
    expect(stateOf(printed, 'foreign')).toMatchObject({ state: 'uncounted', reason: 'it tells nothing of its calls' });
    expect(stateOf(printed, 'adder-1')).toMatchObject({ state: 'counted', reason: null });
    expect(rowOf(printed, ADDER)).toMatchObject({ counted: 1, instances: 5 });
  });

  it('tells why an instance refuses to tell its calls', async () => {
    const refuse = () => Promise.reject(new RpcError(Status.UNAUTHENTICATED, 'who are you?'));
    await adderAt('guarded', { serverMiddleware: [refuse] });
    const printed = await top();
    expect(stateOf(printed, 'guarded')).toMatchObject({ state: 'uncounted', reason: 'who are you?' });
  });

  it('divides the load by the instances that clients may pick', async () => {
    const service = await adderAt('adder-1');
    const adder = createClient(AdderServiceDefinition, { channel: channelTo(service.address) });
    registry.put(instanceAt('127.0.0.1:1', 'draining', [ADDER]));
    const gone = registry.instance('draining');
    if (gone !== undefined) registry.put({ ...gone, status: InstanceStatus.INSTANCE_STATUS_DRAINING });
    let calling = true;
    const calls = (async () => {
      while (calling) await adder.add({ a: 1n, b: 2n });
    })();
    let row = rowOf(await top(), ADDER);
    while (row?.calls === 0) row = rowOf(await top(), ADDER);
    calling = false;
    await calls;
    expect(row).toMatchObject({ instances: 2, counted: 1, load: row?.callsPerSecond });
  });

  it('follows instances that come and go', async () => {
    await adderAt('adder-1');
    const run = follow();
    await run.shows((view) => stateOf(view, 'adder-1')?.state === 'counted');
    registry.put(instanceAt('127.0.0.1:1', 'late', [ADDER]));
    await run.shows((view) => stateOf(view, 'late')?.state === 'unreachable' && view.rows[0]?.instances === 2);
    registry.remove('late');
    await run.shows((view) => stateOf(view, 'late') === undefined && view.rows[0]?.instances === 1);
    run.interrupt();
    expect(await run.exitCode).toBe(0);
  });

  it('keeps the instances that it knows while the registry is away, and says so', async () => {
    await adderAt('adder-1');
    const run = follow();
    await run.shows((view) => stateOf(view, 'adder-1')?.state === 'counted');
    await registry.stop();
    await run.shows(({ notes, ...view }) => {
      return notes.some((note) => note.includes("can't be reached")) && stateOf(view, 'adder-1')?.state === 'counted';
    });
    run.interrupt();
    await run.exitCode;
  });

  it('redraws its table on a terminal', async () => {
    await adderAt('adder-1');
    const run = begin(['top', '--interval', '100ms'], { environment, stdoutLive: true });
    await run.stdout.shows(/\[H\d\d:[\s\S]*AdderService +1\/1[\s\S]*\[J[\s\S]*\[H/);
    run.interrupt();
    expect(await run.exitCode).toBe(0);
    const [, screen = ''] = run.stdout.text().split('\u001b[H');
    for (const line of screen.split('\n').slice(0, -1)) expect(line.endsWith('\u001b[K')).toBe(true);
  });

  it.each([
    [['--by', 'zone'], '--by zone: must be service, method or instance'],
    [['--interval', '10ms'], '--interval 10ms: must be from 100ms to 1h, such as 2s'],
    [['--interval', 'soon'], '--interval soon: must be a duration'],
  ])('refuses %j', async (args, message) => {
    const { exitCode, stderr } = await rondo(['top', ...args], { environment });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });

  it('says that a service is not registered', async () => {
    await adderAt('adder-1');
    const { exitCode, stderr } = await rondo(['top', 'Addr'], { environment });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('no instance of "Addr" is registered');
  });
});

/** Runs `rondo top --json`, each 100 ms. */
function follow() {
  const run = begin(['top', '--json', '--interval', '100ms'], { environment });
  closers.push(async () => {
    run.interrupt();
    await run.exitCode;
  });
  const lines = () => run.stdout.text().split('\n').slice(0, -1);
  return {
    ...run,
    /** Resolves when a line fits. */
    async shows(fits: (view: Printed) => boolean): Promise<void> {
      for (let seen = lines().length; ; seen += 1) {
        const last = lines().at(-1);
        if (last !== undefined && fits(JSON.parse(last))) return;
        await run.stdout.shows(new RegExp(`(.*\\n){${seen + 1}}`));
      }
    },
  };
}
