import { type FleetInstance, type FleetLoad, FleetSource, FleetState } from '@rondo/contracts/rondo/gateway/v1/console';
import type { Logger } from '@rondo/rpc/call';
import type { Channel, Endpoint } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { askForLoad } from './load.js';

/** What instances are followed with. */
export interface InstancesOptions {
  readonly channel: Channel;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The ids of instances that are new or have changed, and of those that have left. */
export interface Change {
  readonly changed: readonly string[];
  readonly left: readonly string[];
}

/** The instances, with their loads, until they are closed. */
export interface Instances {
  readonly source: FleetSource;
  readonly ids: Iterable<string>;
  /** Undefined if it has left. */
  get(id: string): FleetInstance | undefined;
  close(): void;
}

interface Followed {
  readonly endpoint: Endpoint;
  /** Ends the question for its load. */
  readonly asked: AbortController | undefined;
  load: FleetLoad | undefined;
}

/** Each instance that is asked for its load costs a connection. */
const MAX_ASKED = 1_000;
const { FLEET_SOURCE_CURRENT: CURRENT, FLEET_SOURCE_LAST_KNOWN: LAST_KNOWN } = FleetSource;

/** Follows the instances by one watch of the registry, and their loads by one report of each. */
export function followInstances(options: InstancesOptions, tell: (change: Change) => void): Instances {
  const known = new Map<string, Followed>();
  let source = LAST_KNOWN;
  const onLoad = (endpoint: Endpoint, load: FleetLoad | undefined) => {
    const followed = known.get(endpoint.instanceId);
    if (followed?.endpoint.address !== endpoint.address || JSON.stringify(followed.load) === JSON.stringify(load))
      return;
    followed.load = load;
    tell({ changed: [endpoint.instanceId], left: [] });
  };
  const follow = (endpoint: Endpoint): Followed => {
    const before = known.get(endpoint.instanceId);
    if (before?.endpoint.address === endpoint.address) return { ...before, endpoint };
    before?.asked?.abort();
    if (known.size >= MAX_ASKED) return { endpoint, asked: undefined, load: undefined };
    const asked = new AbortController();
    void askForLoad(endpoint, { ...options, signal: asked.signal, onLoad: (load) => onLoad(endpoint, load) });
    return { endpoint, asked, load: undefined };
  };
  const onEndpoints = (endpoints: readonly Endpoint[]) => {
    source = CURRENT;
    const ids = new Set(endpoints.map(({ instanceId }) => instanceId));
    const gone = [...known].filter(([id]) => !ids.has(id));
    for (const [id, { asked }] of gone) {
      asked?.abort();
      known.delete(id);
    }
    const changed = endpoints.filter((endpoint) => known.get(endpoint.instanceId)?.endpoint !== endpoint);
    for (const endpoint of changed) known.set(endpoint.instanceId, follow(endpoint));
    tell({ changed: changed.map(({ instanceId }) => instanceId), left: gone.map(([id]) => id) });
  };
  const onAway = () => {
    source = LAST_KNOWN;
    tell({ changed: [], left: [] });
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
    ids: { [Symbol.iterator]: () => known.keys() },
    get(id) {
      const followed = known.get(id);
      return followed && toInstance(followed);
    },
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

function toInstance({ endpoint, load }: Followed): FleetInstance {
  const { instanceId, services = [], state, address, zone, version, weight, registerTimeMs } = endpoint;
  const registerTime = registerTimeMs === undefined ? undefined : new Date(registerTimeMs);
  return {
    instanceId,
    services: [...services],
    state: STATES[state],
    address,
    zone,
    version,
    weight,
    registerTime,
    load,
  };
}
