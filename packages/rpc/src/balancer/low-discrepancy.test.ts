import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../testing/seeded-random.js';
import { goldenRatioSequence, stratifiedPoints } from './low-discrepancy.js';

/** The gaps, in points, between two points in the interval [0, `size`). */
function gapsOf(next: () => number, size: number): number[] {
  const gaps: number[] = [];
  for (let index = 0, last = -1; index < 20_000; index += 1) {
    if (next() >= size) continue;
    if (last >= 0) gaps.push(index - last);
    last = index;
  }
  return gaps;
}

describe('a golden-ratio sequence', () => {
  it.each([0.5, 0.2, 0.01])('has its share of points in an interval of %d, with gaps within the bounds', (size) => {
    const gaps = gapsOf(goldenRatioSequence(seededRandom(1)), size);
    expect(Math.abs(gaps.length / 20_000 / size - 1)).toBeLessThan(0.01);
    expect(new Set(gaps).size).toBeLessThanOrEqual(3);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(Math.floor(0.4 / size));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2 / size);
  });
});

describe('stratified points', () => {
  it('are one in each of 64 strata in each block of 64, in a different order each time', () => {
    const next = stratifiedPoints(seededRandom(1));
    const orders = Array.from({ length: 50 }, () => Array.from({ length: 64 }, () => Math.floor(next() * 64)));
    for (const order of orders) expect(new Set(order).size).toBe(64);
    expect(new Set(orders.map(String)).size).toBe(50);
  });

  it('have gaps of any length in an interval, including none', () => {
    const gaps = gapsOf(stratifiedPoints(seededRandom(1)), 0.2);
    expect(Math.abs(gaps.length / 4_000 - 1)).toBeLessThan(0.01);
    for (const gap of [1, 2, 5, 15]) expect(gaps).toContain(gap);
  });
});
