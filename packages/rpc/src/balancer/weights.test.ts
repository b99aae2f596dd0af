import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../testing/index.js';
import { Shares } from './weights.js';

/** How often each place comes up, over points that lie side by side. */
function countPlaces(find: (point: number) => number, count: number): number[] {
  const counts = new Array<number>(count).fill(0);
  for (let step = 0; step < 10_000; step += 1) {
    const place = find((step + 0.5) / 10_000);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return counts;
}

describe('shares', () => {
  it('are as long as their weights', () => {
    const shares = new Shares(Float64Array.of(4, 1, 3, 2));
    expect(countPlaces((point) => shares.at(point), 4)).toEqual([4_000, 1_000, 3_000, 2_000]);
  });

  it('are equal where weights are', () => {
    const shares = new Shares(Float64Array.of(5, 5, 5, 5));
    expect(shares.even).toBe(true);
    expect(countPlaces((point) => shares.at(point), 4)).toEqual([2_500, 2_500, 2_500, 2_500]);
    expect(countPlaces((point) => shares.besides(1, point), 4)).toEqual([3_333, 0, 3_334, 3_333]);
  });

  it('besides one are those of the others', () => {
    const shares = new Shares(Float64Array.of(4, 1, 3, 2));
    expect(countPlaces((point) => shares.besides(0, point), 4)).toEqual([0, 1_667, 5_000, 3_333]);
    expect(countPlaces((point) => shares.besides(3, point), 4)).toEqual([5_000, 1_250, 3_750, 0]);
  });

  it('end where the line does, and never leave the list, whatever the weights', () => {
    const random = seededRandom(1);
    const most = 1 - 2 ** -53;
    for (let round = 0; round < 100; round += 1) {
      const weights = Float64Array.from({ length: 2 + (round % 40) }, () => 10 ** (random.next() * -6));
      const shares = new Shares(weights);
      for (const point of [0, most, random.next()]) {
        const place = shares.at(point);
        const other = shares.besides(place, point);
        for (const one of [place, other]) expect(weights[one]).toBeGreaterThan(0);
        expect(other).not.toBe(place);
      }
    }
  });
});
