import type { FleetEdge, FleetInstance, InstanceCaller } from '@rondo/contracts/rondo/gateway/v1/console';
import type { EventOf } from '../calls/use-stream.js';
import type { Json } from '../page/json.js';
import { wordOf } from '../ui/text.js';

/** An instance, as the page shows it. */
export type Instance = ReturnType<typeof toInstance>;
/** The calls of the processes of one name to one service. */
export type Edge = Json<FleetEdge>;
/** How a process that may call an instance sees it. */
export type Caller = Json<InstanceCaller>;

/** What is known of the fleet. */
export interface Fleet {
  /** Whether the registry answers the gateway. */
  readonly isCurrent: boolean;
  readonly known: Map<string, Instance>;
  /** By id, in order. */
  readonly instances: readonly Instance[];
  readonly edges: readonly Edge[];
  readonly databases: NonNullable<NonNullable<EventOf<'watchFleet'>['calls']>['databases']>;
}

const byId = new Intl.Collator('en', { numeric: true });

/** Takes an event of `WatchFleet`. */
export function takeFleet(before: Fleet | undefined, event: EventOf<'watchFleet'>): Fleet {
  const { instances = [], left = [], source, calls } = event;
  const { known = new Map<string, Instance>(), edges = [], databases = [] } = before ?? {};
  for (const id of left) known.delete(id);
  for (const one of instances) known.set(one.instanceId ?? '', toInstance(one));
  const isSame = before && left.length + instances.length === 0;
  return {
    isCurrent: source === 'FLEET_SOURCE_CURRENT',
    known,
    instances: isSame ? before.instances : [...known.values()].sort((one, other) => byId.compare(one.id, other.id)),
    edges: calls === undefined ? edges : (calls.edges ?? []),
    databases: calls === undefined ? databases : (calls.databases ?? []),
  };
}

function toInstance({ instanceId: id = '', name = '', services = [], state, load, ...rest }: Json<FleetInstance>) {
  return {
    ...rest,
    id,
    name,
    services,
    /** Such as `serving`. */
    state: wordOf(state) || 'unknown',
    /** Undefined if it doesn't report its load. */
    load: load && { callsPerSecond: 0, errorsPerSecond: 0, callsInFlight: 0, cpuUtilization: 0, ...load },
  };
}
