import { describe, expect, it } from '@jest/globals';
import { backoffMs, createBackoff, type Jitter } from './backoff.js';
import { seededRandom } from './testing/seeded-random.js';

/** Always the same number. */
const fixed = (chance: number) => ({ next: () => chance, hex: () => '' });

describe('exponential backoff', () => {
  it('doubles the ceiling with each failure, up to the highest', () => {
    const { nextMs } = createBackoff({ baseMs: 100, maxMs: 1_000, random: fixed(0.5) });
    expect(Array.from({ length: 6 }, nextMs)).toEqual([50, 100, 200, 400, 500, 500]);
  });

  it('starts again after a success', () => {
    const backoff = createBackoff({ baseMs: 100, maxMs: 1_000, random: fixed(0.5) });
    backoff.nextMs();
    backoff.nextMs();
    backoff.reset();
    expect(backoff.nextMs()).toBe(50);
  });

  it('stays at the highest ceiling after any number of failures', () => {
    expect(backoffMs(10_000, { baseMs: 100, maxMs: 1_000, random: fixed(0.5) })).toBe(500);
  });

  it.each<[Jitter, number, number]>([
    ['full', 0, 800],
    ['equal', 400, 800],
    ['grpc', 640, 960],
  ])('spreads the waits evenly with %s jitter', (jitter, leastMs, mostMs) => {
    const options = { baseMs: 100, maxMs: 5_000, random: seededRandom(1), jitter };
    const waits = Array.from({ length: 10_000 }, () => backoffMs(3, options));
    const sorted = waits.sort((one, other) => one - other);
    const range = mostMs - leastMs;
    const deviations = sorted.map((waitMs, index) => Math.abs(waitMs - (leastMs + (index / sorted.length) * range)));
    expect(Math.max(...deviations)).toBeLessThan(0.03 * range);
    expect(sorted[0]).toBeGreaterThanOrEqual(leastMs);
    expect(sorted.at(-1)).toBeLessThan(mostMs);
  });

  it('has full jitter by default', () => {
    expect(backoffMs(0, { baseMs: 100, maxMs: 1_000, random: fixed(0) })).toBe(0);
  });
});
