import { listOf, recordOf } from '../calls/connect.js';
import { type JsonRecord, type Stream, useStream } from '../calls/use-stream.js';

/** An instance, as the page shows it. */
export interface Instance {
  readonly id: string;
  readonly services: readonly string[];
  readonly state: State;
  readonly address: string;
  readonly zone: string;
  readonly version: string;
  readonly weight: number;
  readonly registered: string;
  /** Undefined if it doesn't report its load. */
  readonly load: Load | undefined;
}

/** Whether an instance takes calls. */
export type State = 'starting' | 'serving' | 'draining' | 'cordoned' | 'unknown';

interface Load {
  readonly callsPerSecond: number;
  readonly errorsPerSecond: number;
  readonly callsInFlight: number;
  readonly cpuUtilization: number;
}

/** What is known of the fleet, and how current that is. */
export interface Fleet extends Pick<Stream<unknown>, 'connection' | 'why'> {
  /** Whether the registry answers the gateway. */
  readonly isCurrent: boolean;
  /** By id, in order. */
  readonly instances: readonly Instance[];
}

const byId = new Intl.Collator('en', { numeric: true });

interface Known {
  readonly byId: Map<string, Instance>;
  readonly isCurrent: boolean;
}

/** Watches the fleet. */
export function useFleet(): Fleet {
  const { connection, why, told } = useStream<Known>({ method: 'WatchFleet', request: {}, take });
  const instances = [...(told?.byId.values() ?? [])].sort((one, other) => byId.compare(one.id, other.id));
  return { connection, why, isCurrent: told?.isCurrent ?? true, instances };
}

function take(before: Known | undefined, { instances, left, source }: JsonRecord): Known {
  const known = new Map(before?.byId);
  for (const id of listOf(left)) known.delete(String(id));
  for (const one of listOf(instances)) {
    const instance = toInstance(recordOf(one));
    known.set(instance.id, instance);
  }
  return { byId: known, isCurrent: source === 'FLEET_SOURCE_CURRENT' };
}

const STATES: Readonly<Record<string, State>> = {
  FLEET_STATE_STARTING: 'starting',
  FLEET_STATE_SERVING: 'serving',
  FLEET_STATE_DRAINING: 'draining',
  FLEET_STATE_CORDONED: 'cordoned',
};

function toInstance(json: JsonRecord): Instance {
  const text = (name: string) => String(json[name] ?? '');
  const load = json['load'] === undefined ? undefined : recordOf(json['load']);
  const figure = (name: string) => Number(load?.[name] ?? 0);
  return {
    id: text('instanceId'),
    services: listOf(json['services']).map(String),
    state: STATES[text('state')] ?? 'unknown',
    address: text('address'),
    zone: text('zone'),
    version: text('version'),
    weight: Number(json['weight'] ?? 0),
    registered: text('registerTime'),
    load: load && {
      callsPerSecond: figure('callsPerSecond'),
      errorsPerSecond: figure('errorsPerSecond'),
      callsInFlight: figure('callsInFlight'),
      cpuUtilization: figure('cpuUtilization'),
    },
  };
}
