import {
  type FleetCalls,
  type FleetInstance,
  type FleetLoad,
  FleetSource,
  FleetState,
  type WatchInstanceResponse,
} from '@rondo/contracts/rondo/gateway/v1/console';
import type { Logger } from '@rondo/rpc/call';
import type { Channel, Endpoint } from '@rondo/rpc/client';
import type { Clock, Random } from '@rondo/rpc/clock';
import { callersOf, edgesOf, loadOf, nameOf } from './figures.js';
import { askForReadings, type Reading } from './readings.js';

/** What instances are followed with. */
export interface InstancesOptions {
  readonly channel: Channel;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** The instances, with what they tell of their calls, until they are closed. */
export interface Instances {
  readonly source: FleetSource;
  /** By id. What has changed of an instance is another object. */
  readonly known: ReadonlyMap<string, Followed>;
  /** Who calls whom: the same object until it changes. */
  calls(): FleetCalls;
  /** Asks all instances for what they know of one of them, as long as it is the one of the last 20 for which this was called. */
  askAbout(id: string): void;
  /** What they have answered. */
  callersOf(id: string): WatchInstanceResponse;
  close(): void;
}

/** An instance, and what it has told last. */
export interface Followed {
  readonly endpoint: Endpoint;
  /** Ends the readings. */
  readonly asked?: AbortController;
  readonly reading?: Reading | undefined;
  readonly load?: FleetLoad | undefined;
}

/** Each instance that is asked costs a connection. */
const MAX_ASKED = 1_000;
const MAX_ABOUT = 20;
/** An instance is asked that often, and of a large fleet not more than a hundred instances a second. Milliseconds. */
const [PAUSE_MS, PAUSE_OF_EACH_MS] = [2_000, 10];
/** What is computed from all readings is computed anew after that time, or once all instances of a large fleet have been asked. Milliseconds. */
const CALLS_MS = 1_000;
const { FLEET_SOURCE_CURRENT: CURRENT, FLEET_SOURCE_LAST_KNOWN: LAST_KNOWN } = FleetSource;

/** Follows the instances by one watch of the registry, and asks each of them for its counters. */
export function followInstances(options: InstancesOptions, onChange: () => void): Instances {
  const { clock } = options;
  const known = new Map<string, Followed>();
  const about = new Set<string>();
  let source = LAST_KNOWN;
  let calls: FleetCalls = { edges: [] };
  let callsAt = Number.NEGATIVE_INFINITY;
  const onReading = (endpoint: Endpoint, reading: Reading | undefined) => {
    const followed = known.get(endpoint.instanceId);
    if (followed?.endpoint.address !== endpoint.address) return;
    known.set(endpoint.instanceId, { ...followed, reading, load: reading && loadOf(reading) });
    onChange();
  };
  const follow = (endpoint: Endpoint, index: number): Followed => {
    const before = known.get(endpoint.instanceId);
    if (before?.endpoint.address === endpoint.address) return { ...before, endpoint };
    before?.asked?.abort();
    if (known.size >= MAX_ASKED) return { endpoint };
    const asked = new AbortController();
    void askForReadings(endpoint, {
      ...options,
      signal: asked.signal,
      about: () => [...about],
      firstPauseMs: index * PAUSE_OF_EACH_MS,
      pauseMs: () => Math.max(PAUSE_MS, known.size * PAUSE_OF_EACH_MS),
      onReading: (reading) => onReading(endpoint, reading),
    });
    return { endpoint, asked };
  };
  const readings = () => [...known.values()].flatMap(({ reading = [] }) => reading);
  const onEndpoints = (endpoints: readonly Endpoint[]) => {
    source = CURRENT;
    const ids = new Set(endpoints.map(({ instanceId }) => instanceId));
    for (const [id, { asked }] of known) {
      if (ids.has(id)) continue;
      asked?.abort();
      known.delete(id);
    }
    const changed = endpoints.filter((endpoint) => known.get(endpoint.instanceId)?.endpoint !== endpoint);
    for (const [index, endpoint] of changed.entries()) known.set(endpoint.instanceId, follow(endpoint, index));
    onChange();
  };
  const onAway = () => {
    source = LAST_KNOWN;
    onChange();
  };
  const following = options.channel.followAll({
    onResolution: ({ endpoints }) => onEndpoints(endpoints),
    onFailure: onAway,
    onPending: onAway,
  });
  return {
    get source() {
      return source;
    },
    known,
    calls() {
      if (clock.now() - callsAt < Math.max(CALLS_MS, known.size * PAUSE_OF_EACH_MS)) return calls;
      callsAt = clock.now();
      const edges = edgesOf(readings());
      if (JSON.stringify(edges) !== JSON.stringify(calls.edges)) calls = { edges };
      return calls;
    },
    askAbout(id) {
      about.delete(id);
      about.add(id);
      for (const oldest of about) if (about.size > MAX_ABOUT) about.delete(oldest);
    },
    callersOf: (id) => callersOf(id, readings()),
    close() {
      following.close();
      for (const { asked } of known.values()) asked?.abort();
      known.clear();
    },
  };
}

const STATES: Readonly<Record<Endpoint['state'], FleetState>> = {
  starting: FleetState.FLEET_STATE_STARTING,
  serving: FleetState.FLEET_STATE_SERVING,
  draining: FleetState.FLEET_STATE_DRAINING,
  cordoned: FleetState.FLEET_STATE_CORDONED,
};

/** An instance as a page shows it. */
export function toInstance({ endpoint, load, reading }: Followed): FleetInstance {
  const { instanceId, services = [], state, address, zone, version, weight, registerTimeMs } = endpoint;
  return {
    instanceId,
    services: [...services],
    state: STATES[state],
    address,
    zone,
    version,
    weight,
    registerTime: registerTimeMs === undefined ? undefined : new Date(registerTimeMs),
    load,
    name: nameOf(instanceId),
    certificateEndTime: reading?.last.certificateEndTime,
  };
}
