import { expect, it } from '@jest/globals';
import { FleetSource, FleetState, WatchFleetResponse } from '@rondo/contracts/rondo/gateway/v1/console';
import { OperatorState, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import {
  CallStatsServiceDefinition,
  GetCallStatsRequest,
  GetCallStatsResponse,
} from '@rondo/contracts/rondo/stats/v1/stats';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, type Endpoint, fixedEndpoint } from '@rondo/rpc/client';
import type { ResolverListener } from '@rondo/rpc/internal';
import { implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, ManualClock, standIn } from '@rondo/rpc/testing';
import { edgesOf, loadOf, nameOf } from './figures.js';
import { createFleet } from './fleet.js';

const endpoint = (instanceId: string, state: Endpoint['state'] = 'serving'): Endpoint => ({
  ...fixedEndpoint('127.0.0.1:1', { instanceId }),
  state,
  services: ['a.v1.S'],
});

/** The report of a process after so many seconds: it has called another service, whose instance `b` it has ejected. */
const stats = (seconds: number, startTime = new Date(0)) => ({
  instanceId: 'front-1',
  startTime,
  uptime: { seconds: BigInt(seconds), nanos: 0 },
  methods: [
    { service: 'a.v1.S', method: 'M', begun: BigInt(2 * seconds), ended: [{ code: 13, count: BigInt(seconds) }] },
  ],
  calledServices: [
    {
      service: 'b.v1.S',
      policy: 'least_request',
      attempts: attempts(10 * seconds),
      leftOut: 1,
      instances: [
        { instanceId: 'b', attempts: attempts(seconds), ramp: 1, held: 'ejected: 5 calls failed', leftOut: true },
      ],
    },
  ],
});

const attempts = (count: number) => ({
  begun: BigInt(count),
  failed: BigInt(count / 2),
  durations: [
    { minMicros: 1_000, maxMicros: 1_000, count: BigInt(9 * count) },
    { minMicros: 80_000, maxMicros: 80_000, count: BigInt(count) },
    // They are all of the time before.
    { minMicros: 500_000, maxMicros: 500_000, count: 999n },
  ],
});

const encoded = (report: object) => GetCallStatsResponse.encode(GetCallStatsResponse.fromPartial(report)).finish();

/** A fleet whose registry and instances the test plays. */
function start(tell: (seconds: number) => Uint8Array = (seconds) => encoded(stats(seconds))) {
  const clock = new ManualClock();
  const listeners = new Set<ResolverListener>();
  let open = 0;
  const about: (readonly string[])[] = [];
  const getCallStats = (request: Uint8Array) => {
    about.push(GetCallStatsRequest.decode(request).calledInstanceIds);
    return tell(2 * about.length);
  };
  const reports = implement(CallStatsServiceDefinition, { getCallStats }, { raw: ['getCallStats'] });
  const marks = [{ instanceId: 'front-1', state: OperatorState.OPERATOR_STATE_CORDONED, reason: 'a new disk' }];
  const registry = standIn(RegistryServiceDefinition, { listOperatorStates: () => ({ marks }) });
  const test = createTestChannel({ services: [reports, registry], clock, admission: { adaptive: false } });
  const channel: Channel = {
    ...test,
    direct() {
      open += 1;
      const close = () => {
        open -= 1;
      };
      return { ...test, close };
    },
    followAll(listener) {
      listeners.add(listener);
      return { close: () => listeners.delete(listener) };
    },
  };
  const fleet = createFleet({
    channel,
    clock,
    wallClock: { now: () => new Date(clock.now()) },
    log: silentLogger,
    registry: ['127.0.0.1:1'],
  });
  const depart = (departed: readonly string[], ...endpoints: readonly Endpoint[]) => {
    for (const listener of listeners) listener.onResolution({ endpoints, departed });
  };
  const list = (...endpoints: readonly Endpoint[]) => depart([], ...endpoints);
  const lose = () => {
    for (const listener of listeners) listener.onFailure('away');
  };
  return { fleet, clock, list, depart, lose, followers: () => listeners.size, asked: () => open, about };
}

/** Reads events until one fits. */
async function until<T>(events: AsyncIterator<T>, clock: ManualClock, fits: (event: T) => boolean): Promise<T> {
  while (true) {
    let event: IteratorResult<T> | undefined;
    const next = events.next().then((next) => {
      event = next;
    });
    while (event === undefined) await clock.advance(250);
    await next;
    if (event.done !== true && fits(event.value)) return event.value;
  }
}

it('tells a watcher all instances, then their loads, what changes and what leaves', async () => {
  const { fleet, clock, list, depart, lose } = start();
  const gone = new AbortController();
  const events = fleet.watch(gone.signal)[Symbol.asyncIterator]();
  expect((await events.next()).value).toMatchObject({ instances: [], source: FleetSource.FLEET_SOURCE_LAST_KNOWN });
  list(endpoint('front-1'), endpoint('b'));
  const first = await until(events, clock, ({ instances }) => instances.length > 0);
  expect(first).toMatchObject({ source: FleetSource.FLEET_SOURCE_CURRENT, left: [] });
  expect(first.instances.map(({ instanceId }) => instanceId)).toEqual(['front-1', 'b']);
  depart(['b'], endpoint('front-1', 'cordoned'));
  const second = await until(events, clock, ({ left }) => left.length > 0);
  expect(second).toMatchObject({
    left: ['b'],
    instances: [{ name: 'front', state: FleetState.FLEET_STATE_CORDONED }],
  });
  await until(events, clock, ({ instances }) => instances[0]?.cordonReason === 'a new disk');
  const third = await until(events, clock, ({ instances }) => instances[0]?.load !== undefined);
  expect(third.instances[0]?.load).toMatchObject({ callsPerSecond: 2, errorsPerSecond: 1 });
  expect(third.left).toEqual([]);
  lose();
  await until(events, clock, ({ source }) => source === FleetSource.FLEET_SOURCE_LAST_KNOWN);
  gone.abort();
});

it('tells for ten minutes that the lease of an instance ran out, unless it is back or leaves', async () => {
  let isFrozen = false;
  const { fleet, clock, list, depart } = start((seconds) => {
    if (isFrozen) throw new RpcError(Status.UNAVAILABLE, 'frozen');
    return encoded(stats(seconds));
  });
  const gone = new AbortController();
  const events = fleet.watch(gone.signal)[Symbol.asyncIterator]();
  await events.next();
  const isState =
    (wanted: FleetState) =>
    ({ instances }: WatchFleetResponse) =>
      instances.some(({ state }) => state === wanted);
  const ours = { ...endpoint('front-1'), registerTimeMs: 1 };
  const begin = async () => {
    list(ours);
    await until(events, clock, ({ instances }) => instances.some(({ load }) => load !== undefined));
    list();
    return until(events, clock, isState(FleetState.FLEET_STATE_LOST));
  };
  expect(await begin()).toMatchObject({ instances: [{ instanceId: 'front-1', load: undefined }], left: [] });
  list(ours);
  await until(events, clock, ({ instances }) => instances.some(({ load }) => load !== undefined));
  isFrozen = true;
  await until(events, clock, ({ instances }) => instances.some(({ load }) => load === undefined));
  list();
  await until(events, clock, isState(FleetState.FLEET_STATE_LOST));
  isFrozen = false;
  await begin();
  depart(['front-1']);
  await until(events, clock, ({ left }) => left.includes('front-1'));
  await begin();
  await clock.advance(10 * 60_000);
  await until(events, clock, ({ left }) => left.includes('front-1'));
  list(endpoint('front-1'));
  await until(events, clock, ({ instances }) => instances.some(({ load }) => load !== undefined));
  list();
  await until(events, clock, ({ left }) => left.includes('front-1'));
  gone.abort();
});

it('tells of an instance that reports more calls in flight than an int32 holds', async () => {
  const methods = [{ service: 'a.v1.S', method: 'M', begun: 2n ** 40n, ended: [] }];
  const { fleet, clock, list } = start((seconds) => encoded({ ...stats(seconds), methods }));
  const gone = new AbortController();
  const events = fleet.watch(gone.signal)[Symbol.asyncIterator]();
  await events.next();
  list(endpoint('front-1'));
  const event = await until(events, clock, ({ instances }) => instances[0]?.load !== undefined);
  expect(WatchFleetResponse.decode(WatchFleetResponse.encode(event).finish()).instances).toMatchObject([
    { instanceId: 'front-1', load: { callsInFlight: 2 ** 31 - 1 } },
  ]);
  gone.abort();
});

it('tells a large fleet in parts', async () => {
  const { fleet, clock, list } = start();
  const gone = new AbortController();
  const events = fleet.watch(gone.signal)[Symbol.asyncIterator]();
  await events.next();
  list(...Array.from({ length: 250 }, (_, index) => endpoint(`front-${index}`)));
  const listed = new Set<string>();
  while (listed.size < 250) {
    const { instances } = await until(events, clock, () => true);
    expect(instances.length).toBeLessThanOrEqual(100);
    for (const { instanceId } of instances) listed.add(instanceId);
  }
  gone.abort();
});

it('follows the registry and asks each instance once for all watchers, and ends both with the last of them', async () => {
  const { fleet, clock, list, followers, asked } = start();
  const tabs = Array.from({ length: 100 }, () => new AbortController());
  const streams = tabs.map(({ signal }) => fleet.watch(signal)[Symbol.asyncIterator]());
  await Promise.all(streams.map((stream) => stream.next()));
  list(endpoint('front-1'));
  await Promise.all(streams.map((stream) => until(stream, clock, ({ instances }) => instances.length > 0)));
  expect([fleet.watchers, followers(), asked()]).toEqual([100, 1, 1]);
  for (const tab of tabs) tab.abort();
  for (const stream of streams) while (!(await stream.next()).done);
  while (asked() > 0) await Promise.resolve();
  expect([fleet.watchers, followers()]).toEqual([0, 0]);
});

it('tells who calls whom, how often, how fast and with which faults, and whom the callers leave out', async () => {
  const { fleet, clock, list } = start();
  const gone = new AbortController();
  const events = fleet.watch(gone.signal)[Symbol.asyncIterator]();
  await events.next();
  list(endpoint('front-1'));
  const { calls } = await until(events, clock, (event) => (event.calls?.edges.length ?? 0) > 0);
  expect(calls?.edges).toMatchObject([
    {
      caller: 'front',
      service: 'b.v1.S',
      figures: { callsPerSecond: 10, failuresPerSecond: 5, p50Ms: 1, p99Ms: 80 },
      leftOut: [{ instanceId: 'b', reason: 'ejected: 5 calls failed' }],
    },
  ]);
  gone.abort();
});

it('tells how each caller sees an instance, and asks about it only while it is watched', async () => {
  const { fleet, clock, list, followers, about } = start();
  const gone = new AbortController();
  const events = fleet.watchInstance('b', gone.signal)[Symbol.asyncIterator]();
  await events.next();
  list(endpoint('front-1'));
  const seen = await until(events, clock, ({ callers }) => callers[0]?.figures !== undefined);
  expect(seen).toMatchObject({
    more: 0,
    callers: [
      {
        instanceId: 'front-1',
        service: 'b.v1.S',
        policy: 'least_request',
        figures: { callsPerSecond: 1, failuresPerSecond: 0.5 },
        serviceCallsPerSecond: 10,
        held: 'ejected: 5 calls failed',
      },
    ],
  });
  expect(about.at(-1)).toEqual(['b']);
  gone.abort();
  while (!(await events.next()).done);
  expect([fleet.watchers, followers()]).toEqual([0, 0]);
});

it('compares no counters of two processes', () => {
  const last = GetCallStatsResponse.fromPartial(stats(12, new Date(1)));
  const before = GetCallStatsResponse.fromPartial(stats(10));
  expect(loadOf({ instanceId: 'front-1', before, last })).toBeUndefined();
  expect(edgesOf([{ instanceId: 'front-1', before, last }])).toEqual([]);
});

it.each([
  ['sales-1', 'sales'],
  ['project-management-x7', 'project-management'],
  ['blue@sales', 'sales'],
  ['alone', 'alone'],
  ['-x', '-x'],
])('an instance %s is one of %s', (id, name) => {
  expect(nameOf(id)).toBe(name);
});

it('makes each event once, however many watch', async () => {
  const { fleet, clock, list } = start();
  const gone = new AbortController();
  const [one, other] = [0, 1].map(() => fleet.watch(gone.signal)[Symbol.asyncIterator]());
  if (one === undefined || other === undefined) throw new Error('there are two');
  await Promise.all([one.next(), other.next()]);
  list(endpoint('front-1'));
  const fits = ({ instances }: WatchFleetResponse) => instances.length > 0;
  expect(await until(one, clock, fits)).toBe(await until(other, clock, fits));
  gone.abort();
});

it('ends a watcher that is too far behind, and keeps no more for it', async () => {
  const { fleet, clock, list } = start();
  const gone = new AbortController();
  const [slow, fast] = [0, 1].map(() => fleet.watch(gone.signal)[Symbol.asyncIterator]());
  if (slow === undefined || fast === undefined) throw new Error('there are two');
  await Promise.all([slow.next(), fast.next()]);
  for (let round = 0; round < 101; round += 1) {
    list(endpoint('front-1', round % 2 === 0 ? 'serving' : 'cordoned'));
    await until(fast, clock, ({ instances }) => instances.length > 0);
  }
  let end: boolean | undefined;
  void slow.next().then(({ done = false }) => {
    end = done;
  });
  while (end === undefined) await clock.advance(10);
  expect(end).toBe(true);
  expect((await fleet.watch(gone.signal)[Symbol.asyncIterator]().next()).value).toMatchObject({
    instances: [{ instanceId: 'front-1' }],
  });
  gone.abort();
});
