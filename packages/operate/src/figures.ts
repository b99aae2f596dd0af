import type {
  EdgeFigures,
  FleetDatabase,
  FleetEdge,
  FleetLoad,
  InstanceCaller,
  WatchInstanceResponse,
} from '@rondo/contracts/rondo/gateway/v1/console';
import type { AttemptStats, CalledService, GetCallStatsResponse } from '@rondo/contracts/rondo/stats/v1/stats';
import { percentileMs } from '@rondo/rpc/internal';
import { busyBetween, durationsBetween, flowsBetween, type MethodFlow, secondsBetween } from './flow.js';
import { endedOf, isFault, merge, rate, total } from './sums.js';

const [MAX_EDGES, MAX_LEFT_OUT, MAX_CALLERS] = [500, 10, 100];
const MAX_INT32 = 2 ** 31 - 1;

/** The counters of a process when it was last asked, and at the time before. */
export interface Reading {
  readonly instanceId: string;
  readonly before: GetCallStatsResponse | undefined;
  readonly last: GetCallStatsResponse;
}

/** What processes of the kind of an instance are called. The registry puts the name of a certificate behind other ids. */
export const nameOf = (instanceId: string): string =>
  instanceId.split('@')[1] ?? instanceId.replace(/(?<=.)-[^-]*$/, '');

/** The load of a process between the two times that it was asked; undefined if there was only one. */
export function loadOf({ before, last }: Reading): FleetLoad | undefined {
  const flows = before && flowsBetween(before, last);
  if (before === undefined || flows === undefined) return undefined;
  const inFlight = total(flows, (flow) => flow.inFlight);
  return {
    callsPerSecond: rate(flows, ({ calls }) => calls),
    errorsPerSecond: rate(flows, (flow) => endedOf(flow, isFault)),
    callsInFlight: Math.min(Math.max(0, inFlight), MAX_INT32),
    cpuUtilization: busyBetween(before, last) ?? 0,
  };
}

interface Edge {
  readonly caller: string;
  readonly service: string;
  readonly flows: AttemptFlow[];
  readonly leftOut: Map<string, string>;
}

/** Sums up the calls of the processes by their names and by the service that they call: those with the most calls first. */
export function edgesOf(readings: Iterable<Reading>): FleetEdge[] {
  const edges = new Map<string, Edge>();
  for (const reading of readings) {
    const caller = nameOf(reading.instanceId);
    for (const { service, attempts, before, instances } of calledOf(reading)) {
      const seconds = secondsOf(reading);
      if (seconds === undefined) continue;
      const key = `${caller} ${service}`;
      const edge: Edge = edges.get(key) ?? { caller, service, flows: [], leftOut: new Map() };
      edges.set(key, edge);
      edge.flows.push(attemptsBetween(before?.attempts, attempts, seconds));
      for (const { instanceId, leftOut, held } of instances) {
        if (leftOut && edge.leftOut.size < MAX_LEFT_OUT) edge.leftOut.set(instanceId, held);
      }
    }
  }
  const all = [...edges.values()].map(({ flows, leftOut, ...edge }) => ({
    ...edge,
    figures: figuresOf(flows),
    leftOut: [...leftOut].map(([instanceId, reason]) => ({ instanceId, reason })),
  }));
  return all.sort(byCalls).slice(0, MAX_EDGES);
}

/** Sums up the connections of the processes by their names and by their pools. */
export function databasesOf(readings: Iterable<Reading>): FleetDatabase[] {
  const found = new Map<string, FleetDatabase>();
  for (const { instanceId, last } of readings) {
    const user = nameOf(instanceId);
    for (const { name, used, max, waiting } of last.pools) {
      const key = `${user} ${name}`;
      const before = found.get(key) ?? { user, name, used: 0, max: 0, waiting: 0 };
      found.set(key, {
        ...before,
        used: before.used + used,
        max: before.max + max,
        waiting: before.waiting + waiting,
      });
    }
  }
  return [...found.values()].slice(0, MAX_EDGES);
}

/** How the processes that may call an instance see it. */
export function callersOf(instanceId: string, readings: Iterable<Reading>): WatchInstanceResponse {
  const callers: InstanceCaller[] = [];
  for (const reading of readings) {
    const seconds = secondsOf(reading);
    for (const { service, policy, attempts, instances, before } of calledOf(reading)) {
      const seen = instances.find((one) => one.instanceId === instanceId);
      if (seen === undefined) continue;
      const earlier = before?.instances.find((one) => one.instanceId === instanceId);
      const rates = seconds === undefined || earlier === undefined ? undefined : { seconds, earlier };
      const { inFlight: callsInFlight, share, ramp, held, leftOut } = seen;
      callers.push({
        instanceId: reading.instanceId,
        service,
        policy,
        figures: rates && figuresOf([attemptsBetween(rates.earlier.attempts, seen.attempts, rates.seconds)]),
        serviceCallsPerSecond: rates
          ? attemptsBetween(before?.attempts, attempts, rates.seconds).calls / rates.seconds
          : 0,
        share,
        ramp,
        held,
        leftOut,
        callsInFlight,
      });
    }
  }
  const more = Math.max(0, callers.length - MAX_CALLERS);
  return { callers: callers.sort(byCalls).slice(0, MAX_CALLERS), more, restartable: false };
}

interface Figured {
  readonly figures?: EdgeFigures | undefined;
}

const byCalls = ({ figures: one }: Figured, { figures: other }: Figured) =>
  (other?.callsPerSecond ?? 0) - (one?.callsPerSecond ?? 0);

/** What came to the counters of attempts. */
interface AttemptFlow extends Pick<MethodFlow, 'calls' | 'durations' | 'seconds'> {
  readonly failures: number;
}

function attemptsBetween(
  before: AttemptStats | undefined,
  after: AttemptStats | undefined,
  seconds: number,
): AttemptFlow {
  return {
    seconds,
    calls: Number((after?.begun ?? 0n) - (before?.begun ?? 0n)),
    failures: Number((after?.failed ?? 0n) - (before?.failed ?? 0n)),
    durations: durationsBetween(before?.durations, after?.durations),
  };
}

function figuresOf(flows: readonly AttemptFlow[]): EdgeFigures {
  const ranges = merge(flows);
  return {
    callsPerSecond: rate(flows, ({ calls }) => calls),
    failuresPerSecond: rate(flows, ({ failures }) => failures),
    p50Ms: percentileMs(ranges, 0.5) ?? undefined,
    p99Ms: percentileMs(ranges, 0.99) ?? undefined,
  };
}

/** The services that a process has called, each with what was known of it before. Others it only follows. */
function calledOf({ before, last }: Reading) {
  const earlier = new Map(before?.calledServices.map((called) => [called.service, called]));
  const none = { begun: 0n, failed: 0n, durations: [] };
  return last.calledServices.flatMap(({ attempts = none, ...called }): Called[] => {
    return attempts.begun === 0n ? [] : [{ ...called, attempts, before: earlier.get(called.service) }];
  });
}

interface Called extends CalledService {
  readonly attempts: AttemptStats;
  readonly before: CalledService | undefined;
}

/** The time between the two counts; undefined if they can't be compared. */
const secondsOf = ({ before, last }: Reading) => before && secondsBetween(before, last);
