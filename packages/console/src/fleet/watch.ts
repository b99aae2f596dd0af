import type { JsonValue } from '@bufbuild/protobuf';
import { listOf, recordOf } from '../calls/connect.js';
import type { JsonRecord } from '../calls/use-stream.js';
import { figureAt, textAt, visible } from '../ui/text.js';

/** An instance, as the page shows it. */
export type Instance = ReturnType<typeof toInstance>;
/** Whether an instance takes calls. */
export type State = 'starting' | 'serving' | 'draining' | 'cordoned' | 'unknown';
/** The calls of the processes of one name to one service. */
export type Edge = ReturnType<typeof toEdge>;
/** How a process that may call an instance sees it. */
export type Caller = ReturnType<typeof toCaller>;

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

function toInstance(json: JsonRecord) {
  const load = json['load'] === undefined ? undefined : recordOf(json['load']);
  return {
    id: textAt(json, 'instanceId'),
    /** What processes of its kind are called. */
    name: textAt(json, 'name'),
    services: listOf(json['services']).map((service) => visible(String(service))),
    state: STATES[textAt(json, 'state')] ?? 'unknown',
    address: textAt(json, 'address'),
    zone: textAt(json, 'zone'),
    version: textAt(json, 'version'),
    weight: figureAt(json, 'weight'),
    registered: textAt(json, 'registerTime'),
    /** Empty if it has none. */
    certificateEnd: textAt(json, 'certificateEndTime'),
    /** Undefined if it doesn't report its load. */
    load: load && {
      callsPerSecond: figureAt(load, 'callsPerSecond'),
      errorsPerSecond: figureAt(load, 'errorsPerSecond'),
      callsInFlight: figureAt(load, 'callsInFlight'),
      cpuUtilization: figureAt(load, 'cpuUtilization'),
    },
  };
}

function toEdge(json: JsonRecord) {
  const leftOut = listOf(json['leftOut'])
    .map(recordOf)
    .map((one) => ({ instance: textAt(one, 'instanceId'), reason: textAt(one, 'reason') }));
  const figures = toFigures(json['figures']);
  return { caller: textAt(json, 'caller'), service: textAt(json, 'service'), figures, leftOut };
}

/** How often calls are made, and how they go. Durations are missing if no call has ended. */
function toFigures(json: JsonValue | undefined) {
  const given = recordOf(json);
  return {
    callsPerSecond: figureAt(given, 'callsPerSecond'),
    failuresPerSecond: figureAt(given, 'failuresPerSecond'),
    p50Ms: optionalAt(given, 'p50Ms'),
    p99Ms: optionalAt(given, 'p99Ms'),
  };
}

const optionalAt = (json: JsonRecord, name: string) => (json[name] === undefined ? undefined : figureAt(json, name));

/** Takes an event of `WatchInstance`, which has all callers of the instance. */
export const takeCallers = (_: unknown, { callers, more }: JsonRecord) => ({
  callers: listOf(callers).map(recordOf).map(toCaller),
  more: Number(more ?? 0),
});

function toCaller(json: JsonRecord) {
  return {
    id: textAt(json, 'instanceId'),
    /** The service that it calls. */
    service: textAt(json, 'service'),
    policy: textAt(json, 'policy'),
    /** Its calls of the instance; undefined until they are counted. */
    figures: json['figures'] === undefined ? undefined : toFigures(json['figures']),
    /** Its calls of all instances of the service, a second. */
    serviceCalls: figureAt(json, 'serviceCallsPerSecond'),
    /** Its share of the next calls by weight; undefined if weights don't decide. */
    share: optionalAt(json, 'share'),
    ramp: figureAt(json, 'ramp'),
    /** Why no calls go there; empty if they do. */
    held: textAt(json, 'held'),
    leftOut: json['leftOut'] === true,
  };
}
