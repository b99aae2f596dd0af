import { isServerFault, percentileMs, statusName } from '@rondo/rpc/internal';
import { Status, statusFromCode } from '@rondo/rpc/status';
import type { MethodFlow } from './flow.js';

/** The figures of a row. Rates are per second. */
export interface Figures {
  readonly calls: number;
  readonly callsPerSecond: number;
  /** Calls that ended: the throughput N/T. */
  readonly donePerSecond: number;
  /** Calls that ended with any status but OK and CANCELLED. */
  readonly errors: number;
  readonly errorsPerSecond: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly inFlight: number;
  /** Percentiles of the durations; null if no unary call has ended. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Bytes of request and reply messages: the bandwidth D/T. */
  readonly requestBytesPerSecond: number;
  readonly replyBytesPerSecond: number;
}

export function sumUp(flows: readonly MethodFlow[]): Figures {
  const statuses: Record<string, number> = {};
  let errors = 0;
  for (const [code, count] of flows.flatMap(({ ended }) => [...ended])) {
    if (count === 0) continue;
    const name = statusName(statusFromCode(code));
    statuses[name] = (statuses[name] ?? 0) + count;
    if (isError(code)) errors += count;
  }
  const ranges = merge(flows);
  return {
    calls: total(flows, ({ calls }) => calls),
    callsPerSecond: rate(flows, ({ calls }) => calls),
    donePerSecond: rate(flows, (flow) => endedOf(flow)),
    errors,
    errorsPerSecond: rate(flows, (flow) => endedOf(flow, isError)),
    statuses,
    inFlight: total(flows, ({ inFlight }) => inFlight),
    p50Ms: percentileMs(ranges, 0.5),
    p99Ms: percentileMs(ranges, 0.99),
    requestBytesPerSecond: rate(flows, ({ requestBytes }) => requestBytes),
    replyBytesPerSecond: rate(flows, ({ replyBytes }) => replyBytes),
  };
}

const isError = (code: number): boolean => code !== Status.OK && code !== Status.CANCELLED;

/** How many calls ended, of those whose status code `counts`. */
export function endedOf({ ended }: MethodFlow, counts: (code: number) => boolean = () => true): number {
  return [...ended].reduce((sum, [code, count]) => (counts(code) ? sum + count : sum), 0);
}

export function total<F>(flows: readonly F[], of: (flow: F) => number): number {
  return flows.reduce((sum, flow) => sum + of(flow), 0);
}

/** The sum of the rates: the instances were sampled at different times. */
export const rate = <F extends Pick<MethodFlow, 'seconds'>>(flows: readonly F[], of: (flow: F) => number): number =>
  total(flows, (flow) => of(flow) / flow.seconds);

/** Adds up equal ranges, in the order of durations. There may be a million: each is added without a copy. */
export function merge(flows: readonly Pick<MethodFlow, 'durations'>[]): MethodFlow['durations'] {
  const merged = new Map<number, { minMicros: number; maxMicros: number; count: number }>();
  for (const { durations } of flows) {
    for (const { minMicros, maxMicros, count } of durations) {
      const found = merged.get(minMicros);
      if (found === undefined) merged.set(minMicros, { minMicros, maxMicros, count });
      else found.count += count;
    }
  }
  return [...merged.values()].sort((a, b) => a.minMicros - b.minMicros);
}

/** Whether a status code says that the server is at fault. */
export const isFault = (code: number): boolean => isServerFault(statusFromCode(code));
