import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { WeightedIndex } from './weights.js';

/** How often `find` gives each index, over 10,000 evenly spaced points. */
function countIndexes(find: (point: number) => number): number[] {
  const counts = [0, 0, 0, 0];
  for (let step = 0; step < 10_000; step += 1) {
    const index = find((step + 0.5) / 10_000);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

describe('a weighted index', () => {
  it.each([
    [[4, 1, 3, 2], undefined, [4_000, 1_000, 3_000, 2_000]],
    [[4, 1, 3, 2], 0, [0, 1_667, 5_000, 3_333]],
    [[4, 1, 3, 2], 3, [5_000, 1_250, 3_750, 0]],
    [[5, 5, 5, 5], undefined, [2_500, 2_500, 2_500, 2_500]],
    [[5, 5, 5, 5], 1, [3_333, 0, 3_334, 3_333]],
  ])('of weights %j gives each index but %s in proportion', (weights, excluded, counts) => {
    const index = new WeightedIndex(Float64Array.from(weights));
    const find = (point: number) => (excluded === undefined ? index.at(point) : index.atExcluding(excluded, point));
    expect(countIndexes(find)).toEqual(counts);
  });

  it('gives only indexes of the list, whatever the weights', () => {
    const random = seededRandom(1);
    const most = 1 - 2 ** -53;
    for (let round = 0; round < 100; round += 1) {
      const weights = Float64Array.from({ length: 2 + (round % 40) }, () => 10 ** (random.next() * -6));
      const distribution = new WeightedIndex(weights);
      for (const point of [0, most, random.next()]) {
        const found = distribution.at(point);
        const other = distribution.atExcluding(found, point);
        for (const one of [found, other]) expect(weights[one]).toBeGreaterThan(0);
        expect(other).not.toBe(found);
      }
    }
  });
});
