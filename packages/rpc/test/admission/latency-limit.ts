import { describe, expect, it } from '@jest/globals';
import { type SimulatedCalls, simulate } from '../support/simulated-load.js';

/** Twenty permits of 20 ms: a capacity of 1,000 calls a second. */
const WORK_MS = 20;
const pooled = { pooled: true, workMs: () => WORK_MS };

/** Calm for 5 s, three times the capacity for 10 s, calm again. */
const overload = {
  normal: { ...pooled, rate: (ms: number) => (ms >= 5_000 && ms < 15_000 ? 2_900 : 400) },
  high: { ...pooled, priority: 'high', rate: () => 100 },
} as const;

const simulated = new Map<number, ReturnType<typeof simulate<typeof overload>>>();
/** The overload with this seed, which several tests look at. */
function overloaded(seed: number) {
  const present = simulated.get(seed) ?? simulate(overload, { seconds: 25, seed });
  simulated.set(seed, present);
  return present;
}

/** The calls that began within these seconds. */
const within = (times: readonly number[], from: number, to: number) =>
  times.filter((at) => at >= from * 1_000 && at < to * 1_000).length;

const answeredWithin = ({ answered }: SimulatedCalls, from: number, to: number) =>
  within(
    answered.map(({ at }) => at),
    from,
    to,
  );

const p99 = ({ answered }: SimulatedCalls) => {
  const sorted = answered.map(({ tookMs }) => tookMs).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
};

/** What a limit does to simulated calls that arrive at random, by these seeds. */
export function describeLatencyLimit(seeds: readonly number[]): void {
  describe('three times as many calls as the handlers can answer', () => {
    it.each(seeds)('leave most of the capacity to answers in time (seed %i)', (seed) => {
      const { normal, high } = overloaded(seed);
      for (let second = 6; second < 15; second += 1) {
        const inTime = answeredWithin(normal, second, second + 1) + answeredWithin(high, second, second + 1);
        expect(inTime).toBeGreaterThan(900);
      }
      expect(normal.late).toEqual([]);
    });

    it.each(seeds)('leave none without a limit (seed %i)', (seed) => {
      const { normal, high } = simulate(overload, { seconds: 25, seed, limited: false });
      expect(answeredWithin(normal, 7, 15) + answeredWithin(high, 7, 15)).toBeLessThan(400);
    });

    it.each(seeds)('delay calls of high priority little, and refuse none of them (seed %i)', (seed) => {
      const { high } = overloaded(seed);
      expect(high.refused).toEqual([]);
      const settled = { ...high, answered: high.answered.filter(({ at }) => at > 6_000 && at < 15_000) };
      expect(p99(settled)).toBeLessThan(2 * WORK_MS);
    });

    it('delay calls of high priority for six tenths of a second in all, until the limit is found', () => {
      const slow = seeds.flatMap((seed) => {
        return overloaded(seed).high.answered.filter(({ tookMs }) => tookMs > 2 * WORK_MS);
      });
      // There are a hundred a second.
      expect(slow.length).toBeLessThan(60 * seeds.length);
      expect(slow.length).toBeGreaterThan(0);
    });

    it.each(seeds)('are forgotten a second later (seed %i)', (seed) => {
      const { normal } = overloaded(seed);
      expect(within(normal.refused, 16, 25)).toBe(0);
    });

    it.each(seeds)('are refused by priority (seed %i)', (seed) => {
      const rate = (ms: number) => (ms < 5_000 ? 100 : 800);
      const found = simulate(
        {
          low: { ...pooled, rate, priority: 'low' },
          normal: { ...pooled, rate },
          high: { ...pooled, priority: 'high', rate: (ms: number) => (ms < 5_000 ? 100 : 500) },
        },
        { seconds: 15, seed },
      );
      const [low, normal, high] = [found.low, found.normal, found.high].map(({ refused }) => within(refused, 6, 15));
      expect(high).toBe(0);
      expect(low).toBeGreaterThan(normal ?? 0);
    });

    it.each(seeds)('are also answered in time if they come to a server that has just started (seed %i)', (seed) => {
      const rate = () => 3_000;
      const { normal } = simulate({ normal: { ...pooled, rate } }, { seconds: 10, seed });
      expect(answeredWithin(normal, 1, 10)).toBeGreaterThan(9 * 900);
      expect(normal.late).toEqual([]);
    });

    it.each(seeds)('are shared by ten methods that need the same permits (seed %i)', (seed) => {
      const method = { ...pooled, rate: (ms: number) => (ms < 5_000 ? 50 : 300) };
      const names = Array.from({ length: 10 }, (_, index) => `m${index}`);
      const found = simulate(Object.fromEntries(names.map((name) => [name, method])), { seconds: 15, seed });
      const each = names.map((name) => found[name]).filter((calls) => calls !== undefined);
      expect(each.reduce((sum, calls) => sum + answeredWithin(calls, 6, 15), 0)).toBeGreaterThan(9 * 900);
    });
  });

  describe('calls that do not queue', () => {
    it.each(seeds)('are never refused below the capacity, however much their durations differ (seed %i)', (seed) => {
      const workMs = (_ms: number, random: number) => -Math.log(1 - random) * 100;
      const { normal } = simulate(
        { normal: { pooled: true, workMs, rate: () => 1_000 } },
        { seconds: 20, permits: 200, seed },
      );
      expect(normal.refused).toEqual([]);
    });

    it.each(seeds)('are not refused because a thousand come at once (seed %i)', (seed) => {
      const rate = (ms: number) => (ms > 3_000 && ms < 3_050 ? 20_000 : 100);
      const { normal } = simulate({ normal: { ...pooled, rate } }, { seconds: 4, deadlineMs: 10_000, seed });
      expect(normal.answered.length).toBeGreaterThan(1_000);
      expect(normal.refused).toEqual([]);
    });

    it.each(seeds)('are not refused because a thousand come at once, again and again (seed %i)', (seed) => {
      // One after the other for 3 s; then a thousand each 75 ms, which keep the only permit, as an event loop is one, for 70 ms.
      const rate = (ms: number) => (ms < 3_000 ? 200 : ms % 75 < 10 ? 100_000 : 0);
      const burst = { pooled: true, workMs: () => 0.07, rate };
      const { normal } = simulate({ normal: burst }, { seconds: 6, permits: 1, deadlineMs: 10_000, seed });
      expect(normal.mostInFlight).toBeGreaterThan(500);
      expect(normal.refused).toEqual([]);
    });

    it.each(seeds)('wait for events as long as they like (seed %i)', (seed) => {
      // News for everybody each 50 ms, and later each 20 s.
      const workMs = (ms: number, random: number) => (ms < 3_000 ? random * 100 : 20_000 - random);
      const { poll } = simulate({ poll: { workMs, callers: 500 } }, { seconds: 60, deadlineMs: 30_000, seed });
      expect(poll.refused).toEqual([]);
    });

    it.each(seeds)('are refused for a moment if what they call has become ten times slower (seed %i)', (seed) => {
      const workMs = (ms: number) => (ms < 5_000 ? 20 : 200);
      const { normal } = simulate({ normal: { workMs, rate: () => 1_000 } }, { seconds: 20, seed });
      expect(normal.refused.length).toBeGreaterThan(0);
      expect(within(normal.refused, 7, 20)).toBe(0);
      expect(answeredWithin(normal, 7, 20)).toBeGreaterThan(12_000);
    });

    it.each(seeds)('are not refused because those of another method never end (seed %i)', (seed) => {
      const slow = { rate: () => 500, workMs: (ms: number) => (ms < 5_000 ? 50 : 1e9) };
      const fast = { rate: () => 1_000, workMs: () => 5 };
      const found = simulate({ slow, fast }, { seconds: 15, deadlineMs: 10_000, seed });
      expect(found.fast.refused).toEqual([]);
      expect(found.slow.mostInFlight).toBeLessThan(1_500);
      expect(within(found.slow.refused, 8, 14)).toBeGreaterThan(2_000);
    });
  });
}
