import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { candidate, type FakeCandidate, fleet, share } from '../../../packages/rpc/test/support/simulated-fleet.js';
import { createRings } from './ring.js';
import { ringHash } from './ring-hash.js';

const over = (candidates: readonly FakeCandidate[], seed = 1) => ringHash(seededRandom(seed), 125).over(candidates);
const keys = Array.from({ length: 2_000 }, (_, index) => `customers/${index}`);

function owners(candidates: readonly FakeCandidate[], seed = 1): (string | undefined)[] {
  const picker = over(candidates, seed);
  return keys.map((hashKey) => picker.pick({ hashKey, tried: [] })?.id);
}

describe('ring hash', () => {
  it('picks the same instance for a key in every client', () => {
    expect(owners(fleet(10), 2)).toEqual(owners(fleet(10), 1));
  });

  it('divides calls without a key over all instances', () => {
    const picker = over(fleet(4));
    const ids = Array.from(
      { length: 100 },
      (_, index) => picker.pick({ hashKey: index % 2 ? '' : undefined, tried: [] })?.id,
    );
    expect(new Set(ids).size).toBe(4);
  });

  it('gives each instance keys in proportion to its weight, however small the weights', () => {
    for (const unit of [1, 10, 200]) {
      const counts = share(over([candidate('a', { weight: 4 * unit }), ...fleet(4, () => ({ weight: unit }))]), 20_000);
      expect((counts['a'] ?? 0) / 20_000).toBeGreaterThan(0.43);
      expect((counts['a'] ?? 0) / 20_000).toBeLessThan(0.57);
    }
  });

  it('leaves a key at its instance, however busy that is, unless loads are bounded', () => {
    const candidates = fleet(3);
    const picker = ringHash(seededRandom(1)).over(candidates);
    const bounded = over(candidates);
    const hot = { hashKey: 'hot', tried: [] };
    const home = picker.pick(hot);
    if (home === undefined) throw new Error('no candidate was picked');
    home.inFlight = 1;
    expect(bounded.pick(hot)).not.toBe(home);
    home.inFlight = 1_000_000;
    expect(picker.pick(hot)).toBe(home);
  });

  it('spreads a hot key over the next instances within 1.25 times the mean load, then returns it to its own', () => {
    const candidates = fleet(10);
    const picker = over(candidates);
    const hot = { hashKey: 'hot', tried: [] };
    const home = picker.pick(hot);
    for (let total = 1; total <= 400; total += 1) {
      const picked = picker.pick(hot);
      if (picked === undefined) throw new Error('no candidate was picked');
      picked.inFlight += 1;
      expect(picked.inFlight).toBeLessThanOrEqual(Math.ceil(1.25 * (total / 10)));
    }
    expect(home?.inFlight).toBe(50);
    const order = candidates.filter(({ inFlight }) => inFlight > 0);
    expect(order.length).toBeLessThan(10); // as few as the bound allows: eight are full
    for (const one of candidates) one.inFlight = 0;
    for (let calls = 0; calls < 10; calls += 1) expect(picker.pick(hot)).toBe(home);
  });

  it('notices that calls have ended, even with many instances', () => {
    const candidates = fleet(200, () => ({ inFlight: 10 }));
    const picker = over(candidates);
    const hot = { hashKey: 'hot', tried: [] };
    const home = picker.pick(hot);
    for (const one of candidates) one.inFlight = 0;
    for (let calls = 0; calls < 60; calls += 1) picker.pick(hot);
    if (home === undefined) throw new Error('no candidate was picked');
    home.inFlight = 5; // more than its share of five calls in flight in all
    expect(picker.pick(hot)).not.toBe(home);
    home.inFlight = 0;
    expect(picker.pick(hot)).toBe(home);
  });

  it('follows the ring past tried instances, always in the same order', () => {
    const candidates = fleet(10);
    const tried: FakeCandidate[] = [];
    const walk = () => over(candidates).pick({ hashKey: 'key', tried });
    const order: (string | undefined)[] = [];
    for (let next = walk(); next !== undefined; next = walk()) {
      tried.push(next);
      order.push(next.id);
    }
    const [first, second] = order;
    const rest = candidates.filter(({ id }) => id !== first);
    expect(over(rest).pick({ hashKey: 'key', tried: [] })?.id).toBe(second);
    expect(order).toHaveLength(10);
  });

  it('moves keys to a new instance one by one, each once', () => {
    const before = owners(fleet(4));
    const at = (ramp: number) => owners([...fleet(4), candidate('new', { ramp })]);
    let last = before;
    let had = 0;
    for (const ramp of [0.1, 0.2, 0.4, 0.6, 0.8, 1]) {
      const now = at(ramp);
      const moved = now.filter((id, index) => id !== last[index]);
      expect(new Set(moved)).toEqual(new Set(['new']));
      const has = now.filter((id) => id === 'new').length;
      expect(has).toBe(had + moved.length);
      expect(has / keys.length).toBeLessThan(0.3 * ramp);
      [last, had] = [now, has];
    }
    expect(last).toEqual(owners([...fleet(4), candidate('new')]));
  });

  it('leaves each key at its own instance if all instances are new', () => {
    expect(owners(fleet(5, () => ({ ramp: 0.1 })))).toEqual(owners(fleet(5)));
  });
});

describe('the ring cache', () => {
  it('returns the same ring while ids and weights stay the same', () => {
    const ringOf = createRings();
    const ring = ringOf(fleet(5));
    expect(ringOf(fleet(5, (index) => ({ inFlight: index, ramp: 0.1 * (index + 1) })))).toBe(ring);
    expect(ringOf(fleet(4))).not.toBe(ring);
    expect(ringOf(fleet(5))).toBe(ring);
    expect(ringOf(fleet(5, () => ({ weight: 200 })))).not.toBe(ring);
    for (let size = 6; size < 10; size += 1) ringOf(fleet(size));
    expect(ringOf(fleet(5))).not.toBe(ring);
  });

  it('bounds the points of a ring, whatever the number and the weights of the nodes', () => {
    expect(createRings()(fleet(1_000)).size).toBe(250_000);
    expect(createRings()(fleet(5_000, () => ({ weight: 1_000 }))).size).toBeLessThanOrEqual(2 ** 18);
    expect(createRings()(fleet(3, () => ({ weight: 1 }))).size).toBe(480);
  });
});
