import { expect, it } from '@jest/globals';
import { FleetSource, FleetState, type WatchFleetResponse } from '@rondo/contracts/rondo/gateway/v1/console';
import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, type Endpoint, fixedEndpoint } from '@rondo/rpc/client';
import type { ResolverListener } from '@rondo/rpc/internal';
import { implement } from '@rondo/rpc/server';
import { createTestChannel, ManualClock } from '@rondo/rpc/testing';
import { createFleet } from './fleet.js';

const endpoint = (instanceId: string, state: Endpoint['state'] = 'serving'): Endpoint => ({
  ...fixedEndpoint('127.0.0.1:1', { instanceId }),
  state,
  services: ['a.v1.S'],
});

/** A fleet whose registry and instances the test plays. */
function start() {
  const clock = new ManualClock();
  const listeners = new Set<ResolverListener>();
  let asked = 0;
  const reports = implement(OpenRcaServiceDefinition, {
    async *streamCoreMetrics(_, { signal }) {
      asked += 1;
      yield { rpsFractional: 2, eps: 1, namedMetrics: { calls_in_flight: 3 } };
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      asked -= 1;
    },
  });
  const test = createTestChannel({ services: [reports] });
  const channel: Channel = {
    ...test,
    direct: () => ({ ...test, close: () => undefined }),
    followAll(listener) {
      listeners.add(listener);
      return { close: () => listeners.delete(listener) };
    },
  };
  const fleet = createFleet({ channel, clock, log: silentLogger });
  const list = (...endpoints: readonly Endpoint[]) => {
    for (const listener of listeners) listener.onResolution({ endpoints, departed: [] });
  };
  const lose = () => {
    for (const listener of listeners) listener.onFailure('away');
  };
  return { fleet, clock, list, lose, followers: () => listeners.size, asked: () => asked };
}

/** Reads events until one fits. */
async function until(
  events: AsyncIterator<WatchFleetResponse>,
  clock: ManualClock,
  fits: (event: WatchFleetResponse) => boolean,
): Promise<WatchFleetResponse> {
  while (true) {
    const next = events.next();
    await clock.advance(250);
    const event = await next;
    if (event.done !== true && fits(event.value)) return event.value;
  }
}

it('tells a watcher all instances, then their loads, what changes and what leaves', async () => {
  const { fleet, clock, list, lose } = start();
  const gone = new AbortController();
  const events = fleet.watch(gone.signal)[Symbol.asyncIterator]();
  expect((await events.next()).value).toMatchObject({ instances: [], source: FleetSource.FLEET_SOURCE_LAST_KNOWN });
  list(endpoint('a'), endpoint('b'));
  const first = await until(events, clock, ({ instances }) => instances.length > 0);
  expect(first).toMatchObject({ source: FleetSource.FLEET_SOURCE_CURRENT, left: [] });
  expect(first.instances.map(({ instanceId }) => instanceId)).toEqual(['a', 'b']);
  list(endpoint('a', 'cordoned'));
  const second = await until(events, clock, ({ left }) => left.length > 0);
  expect(second).toMatchObject({
    left: ['b'],
    instances: [
      { state: FleetState.FLEET_STATE_CORDONED, load: { callsPerSecond: 2, errorsPerSecond: 1, callsInFlight: 3 } },
    ],
  });
  lose();
  await until(events, clock, ({ source }) => source === FleetSource.FLEET_SOURCE_LAST_KNOWN);
  gone.abort();
});

it('follows the registry and asks each instance once for all watchers, and ends both with the last of them', async () => {
  const { fleet, clock, list, followers, asked } = start();
  const tabs = Array.from({ length: 100 }, () => new AbortController());
  const streams = tabs.map(({ signal }) => fleet.watch(signal)[Symbol.asyncIterator]());
  await Promise.all(streams.map((stream) => stream.next()));
  list(endpoint('a'));
  await Promise.all(streams.map((stream) => until(stream, clock, ({ instances }) => instances.length > 0)));
  expect([fleet.watchers, followers(), asked()]).toEqual([100, 1, 1]);
  for (const tab of tabs) tab.abort();
  for (const stream of streams) while (!(await stream.next()).done);
  while (asked() > 0) await Promise.resolve();
  expect([fleet.watchers, followers()]).toEqual([0, 0]);
});
