import { describe, expect, it } from '@jest/globals';
import { fleet, share } from '../../test/support/simulated-fleet.js';
import { seededRandom } from '../testing/seeded-random.js';
import { uniform } from './random.js';

/** χ² with two degrees of freedom exceeds this in one of a thousand runs. */
const CHI_SQUARE_LIMIT = 13.82;

describe('random', () => {
  it.each([1, 2, 3, 4, 5])('divides 3,000 calls over three candidates at random, with seed %i', (seed) => {
    const counts = Object.values(share(uniform(seededRandom(seed)).over(fleet(3)), 3_000));
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
    expect(chiSquare).toBeLessThan(CHI_SQUARE_LIMIT);
    expect(counts).not.toEqual([1_000, 1_000, 1_000]);
  });

  it('ignores weights and calls in flight', () => {
    const candidates = fleet(3, (index) => ({ weight: 1 + index * 400, inFlight: index * 9 }));
    const picks = (list: typeof candidates) => share(uniform(seededRandom(1)).over(list), 300);
    expect(picks(candidates)).toEqual(picks(fleet(3)));
  });
});
