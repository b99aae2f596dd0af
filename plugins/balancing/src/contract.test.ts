import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import type { Candidate, Picker } from '@rondo/rpc/internal';
import {
  candidate,
  everyPolicy,
  type FakeCandidate,
  fleet,
  share,
} from '../../../packages/rpc/test/support/simulated-fleet.js';
import { balancing } from './exports/index.js';

const noKey = { hashKey: undefined, tried: [] };

/** Candidates that count how often one of their figures is read. */
function countedFleet(count: number) {
  const reads = { count: 0 };
  const counted = fleet(count).map(({ id }): Candidate => {
    const figure = <T>(value: T) => {
      reads.count += 1;
      return value;
    };
    return {
      id,
      zone: '',
      get weight() {
        return figure(id.endsWith('0') ? 400 : 100);
      },
      get loadWeight() {
        return figure(undefined);
      },
      get ramp() {
        return figure(id.endsWith('1') ? 0.5 : 1);
      },
      get inFlight() {
        return figure(1);
      },
    };
  });
  return { counted, reads };
}

describe.each(everyPolicy(balancing))('$name', ({ create, place }) => {
  /** All candidates in one zone: a policy tells them apart by their figures only. */
  const over = (candidates: readonly FakeCandidate[], seed = 1) => create(seededRandom(seed)).over(candidates);
  const anywhere = (candidates: readonly FakeCandidate[], seed = 1) => over(place(candidates), seed);

  it('picks no candidate from an empty list', () => {
    expect(over([]).pick(noKey)).toBeUndefined();
    expect(over([]).pick({ hashKey: 'key', tried: [candidate('gone')] })).toBeUndefined();
  });

  it.each([1, 2, 3, 10, 50])('never picks a tried candidate, and undefined only if all %i have been tried', (count) => {
    const candidates = fleet(count, (index) => ({ weight: index % 3 === 0 ? 1_000 : 10, inFlight: index }));
    const picker = anywhere(candidates);
    for (let call = 0; call < 12; call += 1) {
      const hashKey = call % 2 === 0 ? `key-${call}` : undefined;
      const tried: FakeCandidate[] = [];
      for (let tries = 0; tries < count; tries += 1) {
        const picked = picker.pick({ hashKey, tried });
        if (picked === undefined) throw new Error(`none of the ${count - tries} untried candidates was picked`);
        if (tried.includes(picked)) throw new Error(`${picked.id} was picked twice`);
        tried.push(picked);
      }
      expect(picker.pick({ hashKey, tried })).toBeUndefined();
    }
  });

  it('ignores tried candidates that are not in its list or come twice', () => {
    const [a, b] = [candidate('a'), candidate('b')];
    const picker = anywhere([a, b]);
    const tried = [candidate('gone'), a, candidate('gone too'), a];
    for (let call = 0; call < 20; call += 1) expect(picker.pick({ hashKey: `key-${call}`, tried })).toBe(b);
  });

  it('gives each candidate some calls, however unequal the weights', () => {
    const unequal = fleet(5, (index) => ({ weight: 2 ** index * 10 }));
    expect(Object.keys(share(over(unequal), 2_000)).sort()).toEqual(['i0', 'i1', 'i2', 'i3', 'i4']);
  });

  it('gives three equal candidates about the same number of calls', () => {
    const counts = Object.values(share(over(fleet(3)), 3_000));
    expect(counts).toHaveLength(3);
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(200);
  });

  it.each([
    ['unknown', { weight: Number.NaN, loadWeight: Number.NaN, ramp: Number.NaN }],
    ['zero', { weight: 0, loadWeight: 0, ramp: 1 }],
    ['negative', { weight: -5, loadWeight: -5, ramp: 1 }],
    ['infinite', { weight: Number.POSITIVE_INFINITY, loadWeight: Number.POSITIVE_INFINITY, ramp: 5 }],
  ])('replaces a weight that is %s by the mean of the others', (_, odd) => {
    const candidates = [
      candidate('odd', odd),
      candidate('a', { loadWeight: 100 }),
      candidate('b', { loadWeight: 100 }),
    ];
    const counts = share(over(candidates), 3_000);
    expect(counts['none']).toBeUndefined();
    for (const id of ['odd', 'a', 'b']) expect(Math.abs((counts[id] ?? 0) - 1_000)).toBeLessThan(200);
    expect(Object.values(share(over(fleet(3, () => odd)), 300)).length).toBe(3);
  });

  it.each([0, -1, 1e-9])('gives a new instance whose ramp is %d a few calls, and no more', (ramp) => {
    const counts = share(over([candidate('a'), candidate('b'), candidate('new', { ramp })]), 10_000);
    expect(counts['new']).toBeGreaterThan(5);
    expect(counts['new']).toBeLessThan(300);
  });

  it('gives a new instance calls in proportion to its ramp', () => {
    const at = (ramp: number) => {
      const counts = share(over([...fleet(4), candidate('new', { ramp })]), 10_000);
      return (counts['new'] ?? 0) / 10_000;
    };
    for (const ramp of [0.1, 0.5]) {
      expect(at(ramp)).toBeGreaterThan((ramp / (4 + ramp)) * 0.7);
      expect(at(ramp)).toBeLessThan((ramp / (4 + ramp)) * 1.3);
    }
  });

  it('reads no more candidates for a pick from 1,000 than from 3', () => {
    const readsOf = (count: number) => {
      const { counted, reads } = countedFleet(count);
      const picker = create(seededRandom(1)).over(place(counted));
      reads.count = 0;
      let most = 0;
      for (let call = 0; call < 500; call += 1) {
        const before = reads.count;
        picker.pick({ hashKey: `key-${call}`, tried: [] });
        most = Math.max(most, reads.count - before);
      }
      return { mean: reads.count / 500, most };
    };
    const [few, many] = [readsOf(3), readsOf(1_000)];
    expect(many.mean).toBeLessThanOrEqual(few.mean + 4);
    expect(many.most).toBeLessThanOrEqual(200);
  });

  it('picks the same with the same seed, and differently with another seed', () => {
    const picksOf = (seed: number) => {
      const picker = anywhere(
        fleet(10, (index) => ({ weight: 100 + index })),
        seed,
      );
      return Array.from({ length: 40 }, () => picker.pick(noKey)?.id);
    };
    expect(picksOf(3)).toEqual(picksOf(3));
    expect(picksOf(3)).not.toEqual(picksOf(4));
  });

  it('picks from its own list only, whatever the lists before', () => {
    const policy = create(seededRandom(1));
    for (let round = 0; round < 100; round += 1) {
      const candidates = fleet((round * 7) % 12, (index) => ({
        weight: 1 + ((index * round) % 5),
        ramp: 1 / (1 + index),
      }));
      const picker: Picker<FakeCandidate> = policy.over(place(candidates));
      for (let call = 0; call < 5; call += 1) {
        const picked = picker.pick({ hashKey: `key-${call}`, tried: [] });
        if (candidates.length === 0) expect(picked).toBeUndefined();
        else expect(candidates).toContain(picked);
      }
    }
  });

  it('always picks a candidate while calls in flight change', () => {
    const random = seededRandom(5);
    const candidates = fleet(20, (index) => ({ weight: 1 + index * 50 }));
    const picker = anywhere(candidates);
    const picked = new Set<FakeCandidate | undefined>();
    for (let call = 0; call < 500; call += 1) {
      for (const one of candidates) if (random.next() < 0.2) one.inFlight = Math.floor(random.next() ** 4 * 1_000);
      picked.add(picker.pick({ hashKey: `key-${call}`, tried: [] }));
    }
    expect(candidates).toEqual(expect.arrayContaining([...picked]));
  });
});
