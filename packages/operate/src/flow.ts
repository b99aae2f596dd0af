import type { Duration } from '@rondo/contracts/google/protobuf/duration';
import type { GetCallStatsResponse, MethodStats } from '@rondo/contracts/rondo/stats/v1/stats';
import type { percentileMs } from '@rondo/rpc/internal';

/** What happened to the calls of one method at one instance between two samples. */
export interface MethodFlow {
  readonly service: string;
  readonly method: string;
  /** The time between the samples, by the instance's own clock. */
  readonly seconds: number;
  readonly calls: number;
  /** Calls that ended, by status code. */
  readonly ended: ReadonlyMap<number, number>;
  /** The calls that ended, by range of duration. */
  readonly durations: Parameters<typeof percentileMs>[0];
  /** Calls in flight at the later sample. */
  readonly inFlight: number;
  readonly requestBytes: number;
  readonly replyBytes: number;
}

/**
 * The difference between two samples of one instance, by method. Undefined if the samples can't be compared: the process has
 * restarted in between, and its counters with it.
 */
export function flowsBetween(
  before: GetCallStatsResponse,
  after: GetCallStatsResponse,
): readonly MethodFlow[] | undefined {
  const seconds = secondsBetween(before, after);
  if (seconds === undefined) return undefined;
  const earlier = new Map(before.methods.map((stats) => [pathOf(stats), stats]));
  const flows: MethodFlow[] = [];
  for (const stats of after.methods) {
    const flow = difference(earlier.get(pathOf(stats)), stats, seconds);
    if (flow === undefined) return undefined;
    flows.push(flow);
  }
  return flows;
}

/** The time between two samples of one process, by its own clock; undefined if they can't be compared. */
export function secondsBetween(before: GetCallStatsResponse, after: GetCallStatsResponse): number | undefined {
  const seconds = secondsOf(after.uptime) - secondsOf(before.uptime);
  return before.startTime?.getTime() === after.startTime?.getTime() && seconds > 0 ? seconds : undefined;
}

/** The share of the time between two samples in which the event loop was busy; undefined if the instance doesn't tell. */
export function busyBetween(before: GetCallStatsResponse, after: GetCallStatsResponse): number | undefined {
  if (before.eventLoopActive === undefined || after.eventLoopActive === undefined) return undefined;
  const busy = secondsOf(after.eventLoopActive) - secondsOf(before.eventLoopActive);
  return busy / (secondsOf(after.uptime) - secondsOf(before.uptime));
}

const pathOf = ({ service, method }: MethodStats): string => `${service}/${method}`;

const secondsOf = (duration: Duration | undefined): number =>
  duration === undefined ? 0 : Number(duration.seconds) + duration.nanos / 1e9;

/** Undefined if a counter has decreased. */
function difference(before: MethodStats | undefined, after: MethodStats, seconds: number): MethodFlow | undefined {
  const { service, method } = after;
  const calls = Number(after.begun - (before?.begun ?? 0n));
  const requestBytes = Number(after.requestBytes - (before?.requestBytes ?? 0n));
  const replyBytes = Number(after.replyBytes - (before?.replyBytes ?? 0n));
  const ends = new Map(before?.ended.map(({ code, count }) => [code, count]));
  const ended = new Map(after.ended.map(({ code, count }) => [code, Number(count - (ends.get(code) ?? 0n))]));
  const durations = durationsBetween(before?.durations, after.durations);
  const counts = [calls, requestBytes, replyBytes, ...ended.values(), ...durations.map(({ count }) => count)];
  if (counts.some((count) => count < 0)) return undefined;
  const inFlight = Number(after.begun - after.ended.reduce((sum, { count }) => sum + count, 0n));
  return { service, method, seconds, calls, ended, durations, inFlight, requestBytes, replyBytes };
}

/** The calls that ended between two samples, by range of duration. */
export function durationsBetween(before: MethodStats['durations'] = [], after: MethodStats['durations'] = []) {
  const earlier = new Map(before.map(({ minMicros, count }) => [minMicros, count]));
  return after.map(({ minMicros, maxMicros, count }) => {
    return { minMicros, maxMicros, count: Number(count - (earlier.get(minMicros) ?? 0n)) };
  });
}
