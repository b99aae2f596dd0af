import type { Duration } from '@rondo/contracts/google/protobuf/duration';
import type {
  EdgeFigures,
  FleetEdge,
  FleetLoad,
  InstanceCaller,
  WatchInstanceResponse,
} from '@rondo/contracts/rondo/gateway/v1/console';
import type { AttemptStats, CalledService, GetCallStatsResponse } from '@rondo/contracts/rondo/stats/v1/stats';
import { type DurationCount, isServerFault, percentileMs } from '@rondo/rpc/internal';
import { statusFromCode } from '@rondo/rpc/status';
import type { Reading } from './readings.js';

const [MAX_EDGES, MAX_LEFT_OUT, MAX_CALLERS] = [500, 10, 100];
const MAX_INT32 = 2 ** 31 - 1;

/** What processes of the kind of an instance are called. The registry puts the name of a certificate behind other ids. */
export const nameOf = (instanceId: string): string =>
  instanceId.split('@')[1] ?? instanceId.replace(/(?<=.)-[^-]*$/, '');

/** The load of a process between the two times that it was asked; undefined if there was only one. */
export function loadOf(reading: Reading): FleetLoad | undefined {
  const { before, last } = reading;
  const seconds = secondsOf(reading);
  if (before === undefined || seconds === undefined) return undefined;
  const [then, now] = [countsOf(before), countsOf(last)];
  return {
    callsPerSecond: (now.begun - then.begun) / seconds,
    errorsPerSecond: (now.failed - then.failed) / seconds,
    callsInFlight: Math.min(Math.max(0, now.begun - now.ended), MAX_INT32),
    cpuUtilization: (toSeconds(last.eventLoopActive) - toSeconds(before.eventLoopActive)) / seconds,
  };
}

/** Sums up the calls of the processes by their names and by the service that they call: those with the most calls first. */
export function edgesOf(readings: Iterable<Reading>): FleetEdge[] {
  const edges = new Map<string, { caller: string; service: string; flow: Flow; leftOut: Map<string, string> }>();
  for (const reading of readings) {
    const caller = nameOf(reading.instanceId);
    for (const { service, attempts, before, instances } of calledOf(reading)) {
      const seconds = secondsOf(reading);
      if (seconds === undefined) continue;
      const key = `${caller} ${service}`;
      const edge = edges.get(key) ?? { caller, service, flow: new Flow(), leftOut: new Map() };
      edges.set(key, edge);
      edge.flow.add(before?.attempts, attempts, seconds);
      for (const { instanceId, leftOut, held } of instances) {
        if (leftOut && edge.leftOut.size < MAX_LEFT_OUT) edge.leftOut.set(instanceId, held);
      }
    }
  }
  const told = [...edges.values()].map(({ flow, leftOut, ...edge }) => ({
    ...edge,
    figures: flow.figures(),
    leftOut: [...leftOut].map(([instanceId, reason]) => ({ instanceId, reason })),
  }));
  return told.sort(byCalls).slice(0, MAX_EDGES);
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
        figures: rates && new Flow().add(rates.earlier.attempts, seen.attempts, rates.seconds).figures(),
        serviceCallsPerSecond: rates ? new Flow().add(before?.attempts, attempts, rates.seconds).calls : 0,
        share,
        ramp,
        held,
        leftOut,
        callsInFlight,
      });
    }
  }
  return {
    callers: callers.sort(byCalls).slice(0, MAX_CALLERS),
    more: Math.max(0, callers.length - MAX_CALLERS),
    restartable: false,
  };
}

interface Figured {
  readonly figures?: EdgeFigures | undefined;
}

const byCalls = ({ figures: one }: Figured, { figures: other }: Figured) =>
  (other?.callsPerSecond ?? 0) - (one?.callsPerSecond ?? 0);

/** The growth of counters. */
class Flow {
  calls = 0;
  #failures = 0;
  readonly #ranges = new Map<number, { minMicros: number; maxMicros: number; count: number }>();

  /** Adds what came to `before`. */
  add(before: AttemptStats | undefined, after: AttemptStats | undefined, seconds: number): this {
    this.calls += Number((after?.begun ?? 0n) - (before?.begun ?? 0n)) / seconds;
    this.#failures += Number((after?.failed ?? 0n) - (before?.failed ?? 0n)) / seconds;
    for (const range of after?.durations ?? []) this.#count(range, range.count);
    for (const range of before?.durations ?? []) this.#count(range, -range.count);
    return this;
  }

  figures(): EdgeFigures {
    const ranges: DurationCount[] = [...this.#ranges.values()].sort((a, b) => a.minMicros - b.minMicros);
    return {
      callsPerSecond: this.calls,
      failuresPerSecond: this.#failures,
      p50Ms: percentileMs(ranges, 0.5) ?? undefined,
      p99Ms: percentileMs(ranges, 0.99) ?? undefined,
    };
  }

  #count({ minMicros, maxMicros }: Omit<DurationCount, 'count'>, count: bigint): void {
    const range = this.#ranges.get(minMicros);
    if (range === undefined) this.#ranges.set(minMicros, { minMicros, maxMicros, count: Number(count) });
    else range.count += Number(count);
  }
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
function secondsOf({ before, last }: Reading): number | undefined {
  if (before?.startTime?.getTime() !== last.startTime?.getTime()) return undefined;
  const seconds = toSeconds(last.uptime) - toSeconds(before?.uptime);
  return seconds > 0 ? seconds : undefined;
}

function countsOf({ methods }: GetCallStatsResponse) {
  const counts = { begun: 0, ended: 0, failed: 0 };
  for (const { begun, ended } of methods) {
    counts.begun += Number(begun);
    for (const { code, count } of ended) {
      counts.ended += Number(count);
      if (isServerFault(statusFromCode(code))) counts.failed += Number(count);
    }
  }
  return counts;
}

const toSeconds = (duration: Duration | undefined): number =>
  duration === undefined ? 0 : Number(duration.seconds) + duration.nanos / 1e9;
