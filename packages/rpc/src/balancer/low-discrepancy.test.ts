import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../testing/index.js';
import { evenPoints, spreadPoints } from './low-discrepancy.js';

/** After how many points a piece of `size` is met again. */
function gapsOf(next: () => number, size: number): number[] {
  const gaps: number[] = [];
  for (let index = 0, last = -1; index < 20_000; index += 1) {
    if (next() >= size) continue;
    if (last >= 0) gaps.push(index - last);
    last = index;
  }
  return gaps;
}

describe('points one golden ratio apart', () => {
  it.each([0.5, 0.2, 0.01])('meet a piece of %d about as often as it is long, never early, never late', (size) => {
    const gaps = gapsOf(evenPoints(seededRandom(1)), size);
    expect(Math.abs(gaps.length / 20_000 / size - 1)).toBeLessThan(0.01);
    expect(new Set(gaps).size).toBeLessThanOrEqual(3);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(Math.floor(0.4 / size));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2 / size);
  });
});

describe('points that are spread by chance', () => {
  it('have one in each 64th of the line, of 64 in a row, and each time in another order', () => {
    const next = spreadPoints(seededRandom(1));
    const orders = Array.from({ length: 50 }, () => Array.from({ length: 64 }, () => Math.floor(next() * 64)));
    for (const order of orders) expect(new Set(order).size).toBe(64);
    expect(new Set(orders.map(String)).size).toBe(50);
  });

  it('meet a piece at any time, at once again too', () => {
    const gaps = gapsOf(spreadPoints(seededRandom(1)), 0.2);
    expect(Math.abs(gaps.length / 4_000 - 1)).toBeLessThan(0.01);
    for (const gap of [1, 2, 5, 15]) expect(gaps).toContain(gap);
  });
});
