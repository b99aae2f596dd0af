import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { type BalancingPolicy, type Candidate, type Picker, weightedRoundRobin } from '@rondo/rpc/internal';
import { priorityLevelOf } from './locality.js';
import { zoneAware } from './zone-aware.js';

interface Replica extends Candidate {
  inFlight: number;
  ramp: number;
}

const replica = (id: string, zone: string, known: Partial<Replica> = {}): Replica => ({
  id,
  zone,
  weight: 100,
  loadWeight: undefined,
  ramp: 1,
  inFlight: 0,
  ...known,
});

const replicas = (zone: string, count: number, known?: Partial<Replica>) =>
  Array.from({ length: count }, (_, index) => replica(`${zone}#${index}`, zone, known));

function policyIn(zone: string, seed = 1): BalancingPolicy {
  const random = seededRandom(seed);
  return zoneAware({ zone, random, inner: () => weightedRoundRobin(random, 'static') });
}

/** The share of `count` calls that each zone gets. Each call ends before the next begins. */
function shares(picker: Picker<Replica>, count: number): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let call = 0; call < count; call += 1) {
    const zone = picker.pick({ hashKey: undefined, tried: [] })?.zone ?? 'none';
    counts[zone] = (counts[zone] ?? 0) + 1 / count;
  }
  return Object.fromEntries(Object.entries(counts).map(([zone, share]) => [zone, Math.round(share * 1_000) / 1_000]));
}

describe('the tier of a zone', () => {
  it.each([
    ['eu/a', 'eu/a', 0],
    ['eu/b', 'eu/a', 1],
    ['us/a', 'eu/a', 2],
    ['', 'eu/a', 2],
    ['eu/a', '', 2],
    ['', '', 2],
    ['eu', 'eu/a', 1],
  ])('%p is for a caller in %p: %i', (zone, home, tier) => {
    expect(priorityLevelOf(zone, home)).toBe(tier);
  });
});

describe('zone-aware balancing', () => {
  const local = replicas('eu/a', 4);
  const near = replicas('eu/b', 4);
  const far = replicas('us/a', 4);
  const all = [...far, ...near, ...local];

  it.each([
    [4, { 'eu/a': 1 }],
    [3, { 'eu/a': 1 }],
    [2, { 'eu/a': 0.7, 'eu/b': 0.3 }],
    [1, { 'eu/a': 0.35, 'eu/b': 0.65 }],
    [0, { 'eu/b': 1 }],
  ])('sends to the region what %i available of four cannot take', (left, expected) => {
    const available = [...local.slice(0, left), ...near, ...far];
    expect(shares(policyIn('eu/a').over(available, all), 10_000)).toEqual(expected);
  });

  it('sends to other regions what the region cannot take either', () => {
    const available = [...local.slice(0, 1), ...near.slice(0, 1), ...far];
    expect(shares(policyIn('eu/a').over(available, all), 10_000)).toEqual({ 'eu/a': 0.35, 'eu/b': 0.35, 'us/a': 0.3 });
  });

  it('divides all calls by availability if all tiers together are too few', () => {
    const available = [...local.slice(0, 1), ...near.slice(0, 1)];
    expect(shares(policyIn('eu/a').over(available, all), 10_000)).toEqual({ 'eu/a': 0.5, 'eu/b': 0.5 });
  });

  it('measures capacity by weight', () => {
    const heavy = replica('heavy', 'eu/a', { weight: 300 });
    const light = replica('light', 'eu/a', { weight: 100 });
    const known = [heavy, light, ...near];
    expect(shares(policyIn('eu/a').over([light, ...near], known), 10_000)).toEqual({ 'eu/a': 0.35, 'eu/b': 0.65 });
    expect(shares(policyIn('eu/a').over([heavy, ...near], known), 1_000)).toEqual({ 'eu/a': 1 });
  });

  it('returns calls to a zone during slow start', () => {
    const cold = replicas('eu/a', 2, { ramp: 0.2 });
    expect(shares(policyIn('eu/a').over([...cold, ...near]), 10_000)).toEqual({ 'eu/a': 0.2, 'eu/b': 0.8 });
    const joined = [...cold, replica('warm', 'eu/a')];
    expect(shares(policyIn('eu/a').over([...joined, ...near]), 1_000)).toEqual({ 'eu/a': 1 });
  });

  it('treats all zones alike if the zone of the caller or of the instances is unknown', () => {
    const even = { 'eu/a': 0.333, 'eu/b': 0.333, 'us/a': 0.333 };
    expect(shares(policyIn('').over(all), 9_000)).toEqual(even);
    const unzoned = replicas('', 3);
    expect(shares(policyIn('eu/a').over(unzoned), 9)).toEqual({ '': 1 });
    expect(shares(policyIn('eu/a').over([...unzoned, ...near]), 1_000)).toEqual({ 'eu/b': 1 });
  });

  it('goes through the tiers, nearest first, for a call that has tried instances, and picks none twice', () => {
    const picker = policyIn('eu/a').over(all);
    const tried: Replica[] = [];
    for (let left = all.length; left > 0; left -= 1) {
      const next = picker.pick({ hashKey: undefined, tried });
      if (next === undefined) throw new Error('no candidate was picked');
      expect(tried).not.toContain(next);
      tried.push(next);
    }
    expect(tried.map(({ zone }) => zone)).toEqual(['eu/a', 'eu/b', 'us/a'].flatMap((zone) => Array(4).fill(zone)));
    expect(picker.pick({ hashKey: undefined, tried })).toBeUndefined();
    expect(policyIn('eu/a').over([]).pick({ hashKey: undefined, tried: [] })).toBeUndefined();
  });

  it('divides the calls of two methods exactly when they are called alternately', () => {
    const policy = policyIn('eu/a');
    const available = [...local.slice(0, 2), ...near];
    const pickers = [policy.over(available, all), policy.over(available, all)];
    const counts = [0, 0];
    for (let call = 0; call < 10_000; call += 1) {
      const which = call % 2;
      const zone = pickers[which]?.pick({ hashKey: undefined, tried: [] })?.zone;
      if (zone === 'eu/a') counts[which] = (counts[which] ?? 0) + 1;
    }
    expect(counts.map((count) => Math.round(count / 50))).toEqual([70, 70]);
  });

  it('keeps shares exact if each picker lives for one call', () => {
    const policy = policyIn('eu/a');
    const available = [...local.slice(0, 2), ...near];
    let stayed = 0;
    for (let call = 0; call < 1_000; call += 1) {
      if (policy.over(available, all).pick({ hashKey: undefined, tried: [] })?.zone === 'eu/a') stayed += 1;
    }
    expect(Math.abs(stayed - 700)).toBeLessThanOrEqual(5);
  });

  it('never picks a dead instance through a thousand random deaths and returns', () => {
    const random = seededRandom(7);
    const policy = policyIn('eu/a');
    const dead = new Set<Replica>();
    for (let step = 0; step < 1_000; step += 1) {
      const one = all[Math.floor(random.next() * all.length)];
      if (one !== undefined && !dead.delete(one)) dead.add(one);
      const available = all.filter((candidate) => !dead.has(candidate));
      const picker = policy.over(available, all);
      const picked = Array.from({ length: 64 }, () => picker.pick({ hashKey: undefined, tried: [] }));
      if (available.length === 0) continue;
      expect(picked.every((candidate) => candidate !== undefined && !dead.has(candidate))).toBe(true);
      const stayed = picked.filter((candidate) => candidate?.zone === 'eu/a').length / 64;
      expect(Math.abs(stayed - expectedShare(available))).toBeLessThan(0.08);
    }
  });

  /** The share of the caller's zone by the rule: 1.4 × the available part of each tier. */
  function expectedShare(available: readonly Replica[]): number {
    const availability = ['eu/a', 'eu/b', 'us/a'].map((zone) =>
      Math.min(1, (1.4 * available.filter((candidate) => candidate.zone === zone).length) / 4),
    );
    const total = availability.reduce((sum, part) => sum + part, 0);
    return (availability[0] ?? 0) / Math.min(1, total);
  }
});
