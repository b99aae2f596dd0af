import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../testing/index.js';
import { positionAmong, positionOf, ringOf, subsetOf } from './subset.js';

const named = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`);
const replicas = named('replica', 100);
const clients = named('client', 50);
const everybody = () => true;

/** The subset of each of the clients. */
function subsets(ids: readonly string[], size: number, place: (client: string) => number) {
  const ring = ringOf(ids);
  return clients.map((client) => subsetOf(ring, { size, position: place(client), usable: everybody }));
}

/** How many clients the least and the most wanted of the replicas have. */
function spread(all: readonly (readonly string[])[], ids: readonly string[]): readonly [number, number] {
  const counts = ids.map((id) => all.filter((subset) => subset.includes(id)).length);
  return [Math.min(...counts), Math.max(...counts)];
}

describe('a subset', () => {
  const ranked = (client: string) => positionAmong(client, clients);

  it('gives each of a hundred replicas as many of fifty clients', () => {
    const all = subsets(replicas, 10, ranked);
    expect(all.every((subset) => new Set(subset).size === 10)).toBe(true);
    expect(spread(all, replicas)).toEqual([5, 5]);
  });

  it.each([
    [97, 10],
    [100, 7],
    [31, 13],
    [1_000, 20],
  ])('of %i, %i each, gives all of them as many but for one', (count, size) => {
    const ids = named('replica', count);
    const [least, most] = spread(subsets(ids, size, ranked), ids);
    expect(most - least).toBeLessThanOrEqual(1);
  });

  it('is less even where clients do not know their peers: on average five, nowhere three times as many', () => {
    const all = subsets(replicas, 10, positionOf);
    const [, most] = spread(all, replicas);
    expect(new Set(all.flat()).size).toBeGreaterThanOrEqual(97);
    expect(most).toBeLessThan(15);
  });

  it.each([1, 2, 3, 4, 5])('changes by two at most where one joins or leaves (%i)', (seed) => {
    const random = seededRandom(seed);
    const gone = `replica-${Math.floor(random.next() * 100)}`;
    const before = subsets(replicas, 10, ranked);
    const after = subsets(
      replicas.filter((id) => id !== gone),
      10,
      ranked,
    );
    const lost = before.map((subset, index) => subset.filter((id) => !after[index]?.includes(id)).length);
    const gained = after.map((subset, index) => subset.filter((id) => !before[index]?.includes(id)).length);
    expect(Math.max(...lost)).toBeGreaterThan(0);
    expect(Math.max(...lost, ...gained)).toBeLessThanOrEqual(2);
  });

  it('is the same however they are listed', () => {
    const backwards = [...replicas].reverse();
    expect(subsets(backwards, 10, ranked)).toEqual(subsets(replicas, 10, ranked));
  });

  it('stays the same from one version to the next', () => {
    const ring = ringOf(named('replica', 8));
    expect(ring.map((id) => id.slice(-1)).join('')).toBe('23604517');
    expect(subsetOf(ring, { size: 2, position: 0.99, usable: everybody })).toEqual(['replica-7', 'replica-2']);
  });

  it('is wider by those that cannot be used', () => {
    const ring = ringOf(replicas);
    const options = { size: 3, position: 0, usable: (id: string) => id !== ring[1] && id !== ring[2] };
    expect(subsetOf(ring, options)).toEqual(ring.slice(0, 5));
    expect(subsetOf(ring, { ...options, usable: () => false })).toEqual(ring);
    expect(subsetOf(ring, { ...options, size: 1_000 })).toHaveLength(100);
    expect(subsetOf([], options)).toEqual([]);
  });
});

describe('the place of a client', () => {
  it('is known before it is listed itself', () => {
    const [first = '', ...others] = clients;
    expect(positionAmong(first, others)).toBe(positionAmong(first, clients));
    expect(positionAmong(first, [])).toBe(0);
  });

  it('is another one for each', () => {
    const places = clients.map((client) => positionAmong(client, clients) * 50);
    expect(places.map(Math.round).sort((one, other) => one - other)).toEqual([...Array(50).keys()]);
  });
});
