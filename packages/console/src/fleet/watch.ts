import type { JsonValue } from '@bufbuild/protobuf';
import { listOf, recordOf } from '../calls/connect.js';
import type { JsonRecord } from '../calls/use-stream.js';
import { textAt, visible } from '../ui/text.js';

/** An instance, as the page shows it. */
export interface Instance {
  readonly id: string;
  /** What processes of its kind are called. */
  readonly name: string;
  readonly services: readonly string[];
  readonly state: State;
  readonly address: string;
  readonly zone: string;
  readonly version: string;
  readonly weight: number;
  readonly registered: string;
  /** When its certificate ends; empty if it has none. */
  readonly certificateEnd: string;
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

/** How often calls are made, and how they go. Durations are missing if no call has ended. */
export interface Figures {
  readonly callsPerSecond: number;
  readonly failuresPerSecond: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** The calls of the processes of one name to one service. */
export interface Edge {
  readonly caller: string;
  readonly service: string;
  readonly figures: Figures;
  readonly leftOut: readonly { readonly instance: string; readonly reason: string }[];
}

/** What is known of the fleet. */
export interface Fleet {
  /** Whether the registry answers the gateway. */
  readonly isCurrent: boolean;
  readonly known: Map<string, Instance>;
  /** By id, in order. */
  readonly instances: readonly Instance[];
  readonly edges: readonly Edge[];
}

const byId = new Intl.Collator('en', { numeric: true });

/** Takes an event of `WatchFleet`. */
export function takeFleet(before: Fleet | undefined, { instances, left, source, calls }: JsonRecord): Fleet {
  const { known = new Map<string, Instance>(), edges = [] } = before ?? {};
  for (const id of listOf(left)) known.delete(String(id));
  for (const one of listOf(instances)) {
    const instance = toInstance(recordOf(one));
    known.set(instance.id, instance);
  }
  const isSame = before && [...listOf(left), ...listOf(instances)].length === 0;
  return {
    isCurrent: source === 'FLEET_SOURCE_CURRENT',
    known,
    instances: isSame ? before.instances : [...known.values()].sort((one, other) => byId.compare(one.id, other.id)),
    edges: calls === undefined ? edges : listOf(recordOf(calls)['edges']).map((edge) => toEdge(recordOf(edge))),
  };
}

const STATES: Readonly<Record<string, State>> = {
  FLEET_STATE_STARTING: 'starting',
  FLEET_STATE_SERVING: 'serving',
  FLEET_STATE_DRAINING: 'draining',
  FLEET_STATE_CORDONED: 'cordoned',
};

function toInstance(json: JsonRecord): Instance {
  const text = (name: string) => textAt(json, name);
  const load = json['load'] === undefined ? undefined : recordOf(json['load']);
  const figure = (name: string) => Number(load?.[name] ?? 0);
  return {
    id: text('instanceId'),
    name: text('name'),
    services: listOf(json['services']).map((service) => visible(String(service))),
    state: STATES[text('state')] ?? 'unknown',
    address: text('address'),
    zone: text('zone'),
    version: text('version'),
    weight: Number(json['weight'] ?? 0),
    registered: text('registerTime'),
    certificateEnd: text('certificateEndTime'),
    load: load && {
      callsPerSecond: figure('callsPerSecond'),
      errorsPerSecond: figure('errorsPerSecond'),
      callsInFlight: figure('callsInFlight'),
      cpuUtilization: figure('cpuUtilization'),
    },
  };
}

function toEdge(json: JsonRecord): Edge {
  const leftOut = listOf(json['leftOut']).map((one) => {
    const instance = recordOf(one);
    return { instance: textAt(instance, 'instanceId'), reason: textAt(instance, 'reason') };
  });
  const figures = toFigures(json['figures']);
  return { caller: textAt(json, 'caller'), service: textAt(json, 'service'), figures, leftOut };
}

/** Reads an `EdgeFigures`. */
export function toFigures(json: JsonValue | undefined): Figures {
  const given = json === undefined ? {} : recordOf(json);
  const optional = (name: string) => (given[name] === undefined ? undefined : Number(given[name]));
  return {
    callsPerSecond: Number(given['callsPerSecond'] ?? 0),
    failuresPerSecond: Number(given['failuresPerSecond'] ?? 0),
    p50Ms: optional('p50Ms'),
    p99Ms: optional('p99Ms'),
  };
}
