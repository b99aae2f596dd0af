import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { stratifiedPoints } from './low-discrepancy.js';

describe('stratified points', () => {
  it('are one in each of 64 strata in each block of 64, in a different order each time', () => {
    const next = stratifiedPoints(seededRandom(1));
    const orders = Array.from({ length: 50 }, () => Array.from({ length: 64 }, () => Math.floor(next() * 64)));
    for (const order of orders) expect(new Set(order).size).toBe(64);
    expect(new Set(orders.map(String)).size).toBe(50);
  });
});
