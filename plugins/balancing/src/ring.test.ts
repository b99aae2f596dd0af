import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { murmur3 } from './murmur3.js';
import { Ring } from './ring.js';

const nodes = (...ids: string[]) => ids.map((id) => ({ id, points: 250 }));
const ten = Array.from({ length: 10 }, (_, index) => `calculator-${index}`);
/** The positions of 20,000 keys on the circle. */
const hashes = Array.from({ length: 20_000 }, (_, index) => murmur3(`customers/${index}`, 0));

function ownersOf(ids: readonly string[]): (string | undefined)[] {
  const ring = new Ring(nodes(...ids));
  return hashes.map((hash) => ids[ring.owner(ring.after(hash))]);
}

describe('a ring', () => {
  it('has the points of all its nodes, and finds the first one at or after any hash, round the circle', () => {
    const ring = new Ring(nodes('a', 'b', 'c'));
    const owners = Array.from({ length: ring.size }, (_, point) => ring.owner(point));
    for (const node of [0, 1, 2]) expect(owners.filter((owner) => owner === node)).toHaveLength(250);
    const found = Array.from({ length: 2 ** 16 }, (_, step) => ring.after(step * 2 ** 16));
    const last = found.lastIndexOf(ring.size - 1);
    expect(found.slice(0, last + 1).every((point, index) => index === 0 || point >= (found[index - 1] ?? 0))).toBe(
      true,
    );
    expect(new Set(found).size).toBeGreaterThan(735);
    expect(ring.after(2 ** 32 - 1)).toBe(0);
  });

  it('never changes between versions: it places these keys at these nodes', () => {
    expect(ownersOf(ten).slice(0, 8)).toEqual([2, 4, 1, 5, 5, 8, 4, 1].map((index) => ten[index]));
  });

  it('does not depend on the order of its nodes', () => {
    expect(ownersOf([...ten].reverse())).toEqual(ownersOf(ten));
  });

  it('gives none of ten nodes 1.25 times the mean number of keys', () => {
    for (const name of ['calculator', 'sales', 'i', '10.0.0.1:5005', 'x'.repeat(40)]) {
      const counts = new Map<string | undefined, number>();
      for (const id of ownersOf(ten.map((_, index) => `${name}${index}`))) counts.set(id, (counts.get(id) ?? 0) + 1);
      expect(Math.max(...counts.values())).toBeLessThan(1.25 * 2_000);
      expect(counts.size).toBe(10);
    }
  });

  it('moves the keys of a node that leaves, and no others', () => {
    const before = ownersOf(ten);
    for (const gone of ten) {
      const after = ownersOf(ten.filter((id) => id !== gone));
      const moved = hashes.filter((_, index) => after[index] !== before[index]);
      expect(moved.length / hashes.length).toBeLessThan(0.15);
      expect(moved.length).toBe(before.filter((id) => id === gone).length);
    }
  });

  it('is the same whether it reuses the points of another ring or not', () => {
    const random = seededRandom(4);
    let previous: Ring | undefined;
    for (let round = 0; round < 60; round += 1) {
      const some = ten.filter(() => random.next() < 0.7).map((id) => ({ id, points: random.next() < 0.8 ? 200 : 90 }));
      const list = round % 2 === 0 ? some : some.reverse();
      const [reusing, fresh] = [new Ring(list, previous), new Ring(list)];
      expect(reusing.size).toBe(fresh.size);
      const differs = (hash: number) =>
        reusing.after(hash) !== fresh.after(hash) ||
        reusing.owner(reusing.after(hash)) !== fresh.owner(fresh.after(hash));
      expect(hashes.slice(0, 2_000).filter(differs)).toEqual([]);
      previous = reusing;
    }
  });

  it('is empty without nodes', () => {
    expect(new Ring([]).size).toBe(0);
    expect(new Ring([], new Ring(nodes('a'))).size).toBe(0);
    expect(new Ring(nodes('a'), new Ring([])).size).toBe(250);
  });
});
