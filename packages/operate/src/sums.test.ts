import { describe, expect, it } from '@jest/globals';
import { GetCallStatsResponse } from '@rondo/contracts/rondo/stats/v1/stats';
import { percentileMs } from '@rondo/rpc/internal';
import { flowsBetween, type MethodFlow } from './flow.js';
import { sumUp } from './sums.js';

const STARTED = new Date('2026-01-01T00:00:00Z');

interface Counters {
  readonly uptimeMs: number;
  readonly begun?: number;
  readonly ended?: Readonly<Record<number, number>>;
  readonly durations?: readonly (readonly [minMicros: number, maxMicros: number, count: number])[];
  readonly bytes?: number;
  readonly startTime?: Date;
  readonly method?: string;
}

/** An answer of an instance with counters of one method. */
function answer({
  uptimeMs,
  begun = 0,
  ended = {},
  durations = [],
  bytes = 0,
  startTime = STARTED,
  ...rest
}: Counters) {
  return GetCallStatsResponse.fromPartial({
    instanceId: 'a',
    startTime,
    uptime: { seconds: BigInt(Math.floor(uptimeMs / 1_000)), nanos: (uptimeMs % 1_000) * 1e6 },
    methods: [
      {
        service: 's.v1.S',
        method: rest.method ?? 'M',
        begun: BigInt(begun),
        ended: Object.entries(ended).map(([code, count]) => ({ code: Number(code), count: BigInt(count) })),
        durations: durations.map(([minMicros, maxMicros, count]) => ({ minMicros, maxMicros, count: BigInt(count) })),
        requestBytes: BigInt(bytes),
        replyBytes: BigInt(bytes * 2),
      },
    ],
  });
}

function flow(before: Counters, after: Counters): MethodFlow {
  const [first] = flowsBetween(answer(before), answer(after)) ?? [];
  if (first === undefined) throw new Error('the samples cannot be compared');
  return first;
}

describe('the difference of two samples', () => {
  it('has rates by the clock of the instance', () => {
    const seen = flow(
      { uptimeMs: 10_000, begun: 100, ended: { 0: 90, 5: 10 }, bytes: 1_000 },
      { uptimeMs: 12_000, begun: 184, ended: { 0: 162, 5: 14, 1: 2 }, bytes: 1_800 },
    );
    expect(sumUp([seen])).toMatchObject({
      calls: 84,
      callsPerSecond: 42,
      donePerSecond: 39,
      errors: 4,
      errorsPerSecond: 2,
      statuses: { OK: 72, NOT_FOUND: 4, CANCELLED: 2 },
      inFlight: 6,
      requestBytesPerSecond: 400,
      replyBytesPerSecond: 800,
    });
  });

  it('counts a method from 0 that had not been called before', () => {
    const before = answer({ uptimeMs: 1_000, method: 'Other' });
    const [seen] = flowsBetween(before, answer({ uptimeMs: 2_000, begun: 3, ended: { 0: 3 } })) ?? [];
    expect(seen).toMatchObject({ calls: 3, inFlight: 0, seconds: 1 });
  });

  it.each([
    ['another start', { uptimeMs: 2_000, begun: 500, startTime: new Date(STARTED.getTime() + 1) }],
    ['a shorter uptime', { uptimeMs: 500, begun: 500 }],
    ['fewer calls', { uptimeMs: 2_000, begun: 3 }],
    ['fewer ends', { uptimeMs: 2_000, begun: 500, ended: { 0: 2 } }],
    ['fewer bytes', { uptimeMs: 2_000, begun: 500, bytes: 1 }],
  ])('is not known after a restart, which %s shows', (_, after) => {
    const before = answer({ uptimeMs: 1_000, begun: 400, ended: { 0: 400 }, bytes: 10 });
    const same = { ended: { 0: 400 }, bytes: 10, ...after };
    expect(flowsBetween(before, answer(same))).toBeUndefined();
  });
});

describe('sums over instances', () => {
  it('add up rates of different intervals', () => {
    const one = flow({ uptimeMs: 1_000 }, { uptimeMs: 2_000, begun: 10 });
    const other = flow({ uptimeMs: 1_000 }, { uptimeMs: 5_000, begun: 40 });
    expect(sumUp([one, other])).toMatchObject({ calls: 50, callsPerSecond: 20 });
  });

  it('have the percentiles of all calls, and not a mean of percentiles', () => {
    const fast = flow({ uptimeMs: 0 }, { uptimeMs: 1_000, begun: 99, durations: [[1_000, 1_100, 99]] });
    const slow = flow({ uptimeMs: 0 }, { uptimeMs: 1_000, begun: 1, durations: [[90_000, 98_000, 1]] });
    expect(sumUp([fast, slow])).toMatchObject({ p50Ms: 1.05, p99Ms: 1.05 });
    expect(sumUp([fast, slow, slow])).toMatchObject({ p50Ms: 1.05, p99Ms: 94 });
  });

  it('have only the calls of the interval in their percentiles', () => {
    const seen = flow(
      { uptimeMs: 0, begun: 1_000, durations: [[10, 10, 1_000]] },
      {
        uptimeMs: 1_000,
        begun: 1_001,
        durations: [
          [10, 10, 1_000],
          [64, 71, 1],
        ],
      },
    );
    expect(sumUp([seen])).toMatchObject({ p50Ms: 0.0675 });
  });

  it('have no percentile without ended calls', () => {
    expect(sumUp([])).toMatchObject({ calls: 0, callsPerSecond: 0, p50Ms: null, p99Ms: null });
  });
});

it('takes percentiles by the nearest rank', () => {
  const ranges = [1, 2, 3, 4].map((micros) => ({ minMicros: micros * 1_000, maxMicros: micros * 1_000, count: 1 }));
  expect([0.25, 0.26, 0.5, 0.75, 0.99].map((share) => percentileMs(ranges, share))).toEqual([1, 2, 2, 3, 4]);
});
