import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../testing/index.js';
import { tierOf } from './locality.js';
import type { BalancingPolicy, Candidate, Picker } from './picker.js';
import { weightedRoundRobin } from './round-robin.js';
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

/** The part of `count` calls that each zone gets; each ends before the next. */
function shares(picker: Picker<Replica>, count: number): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let call = 0; call < count; call += 1) {
    const zone = picker.pick({ hashKey: undefined, tried: [] })?.zone ?? 'nobody';
    counts[zone] = (counts[zone] ?? 0) + 1 / count;
  }
  return Object.fromEntries(Object.entries(counts).map(([zone, share]) => [zone, Math.round(share * 1_000) / 1_000]));
}

describe('how near a zone is', () => {
  it.each([
    ['eu/a', 'eu/a', 0],
    ['eu/b', 'eu/a', 1],
    ['us/a', 'eu/a', 2],
    ['', 'eu/a', 2],
    ['eu/a', '', 2],
    ['', '', 2],
    ['eu', 'eu/a', 1],
  ])('%p from %p is %i', (zone, home, tier) => {
    expect(tierOf(zone, home)).toBe(tier);
  });
});

describe('zone-aware balancing', () => {
  const local = replicas('eu/a', 4);
  const near = replicas('eu/b', 4);
  const far = replicas('us/a', 4);
  const all = [...far, ...near, ...local];

  it('stays in the zone while that is fit', () => {
    expect(shares(policyIn('eu/a').over(all), 1_000)).toEqual({ 'eu/a': 1 });
  });

  it.each([
    [4, { 'eu/a': 1 }],
    [3, { 'eu/a': 1 }],
    [2, { 'eu/a': 0.7, 'eu/b': 0.3 }],
    [1, { 'eu/a': 0.35, 'eu/b': 0.65 }],
    [0, { 'eu/b': 1 }],
  ])('leaves to the region what %i of four do not bear', (left, expected) => {
    const willing = [...local.slice(0, left), ...near, ...far];
    expect(shares(policyIn('eu/a').over(willing, all), 10_000)).toEqual(expected);
  });

  it('goes on to the rest where the region bears too little as well', () => {
    const willing = [...local.slice(0, 1), ...near.slice(0, 1), ...far];
    expect(shares(policyIn('eu/a').over(willing, all), 10_000)).toEqual({ 'eu/a': 0.35, 'eu/b': 0.35, 'us/a': 0.3 });
  });

  it('shares all of the calls out by health where all together are too few', () => {
    const willing = [...local.slice(0, 1), ...near.slice(0, 1)];
    expect(shares(policyIn('eu/a').over(willing, all), 10_000)).toEqual({ 'eu/a': 0.5, 'eu/b': 0.5 });
  });

  it('counts capacity by weight', () => {
    const heavy = replica('heavy', 'eu/a', { weight: 300 });
    const light = replica('light', 'eu/a', { weight: 100 });
    const known = [heavy, light, ...near];
    expect(shares(policyIn('eu/a').over([light, ...near], known), 10_000)).toEqual({ 'eu/a': 0.35, 'eu/b': 0.65 });
    expect(shares(policyIn('eu/a').over([heavy, ...near], known), 1_000)).toEqual({ 'eu/a': 1 });
  });

  it('comes back to a zone as it grows warm', () => {
    const cold = replicas('eu/a', 2, { ramp: 0.2 });
    expect(shares(policyIn('eu/a').over([...cold, ...near]), 10_000)).toEqual({ 'eu/a': 0.2, 'eu/b': 0.8 });
    const joined = [...cold, replica('warm', 'eu/a')];
    expect(shares(policyIn('eu/a').over([...joined, ...near]), 1_000)).toEqual({ 'eu/a': 1 });
  });

  it('makes no difference between zones where the caller has none, or nobody else has', () => {
    const even = { 'eu/a': 0.333, 'eu/b': 0.333, 'us/a': 0.333 };
    expect(shares(policyIn('').over(all), 9_000)).toEqual(even);
    const unsaid = replicas('', 3);
    expect(shares(policyIn('eu/a').over(unsaid), 9)).toEqual({ '': 1 });
    expect(shares(policyIn('eu/a').over([...unsaid, ...near]), 1_000)).toEqual({ 'eu/b': 1 });
  });

  it('goes anywhere for a call that has been everywhere nearer, and nowhere twice', () => {
    const picker = policyIn('eu/a').over(all);
    const tried: Replica[] = [];
    for (let left = all.length; left > 0; left -= 1) {
      const next = picker.pick({ hashKey: undefined, tried });
      if (next === undefined) throw new Error('somebody was left');
      expect(tried).not.toContain(next);
      tried.push(next);
    }
    expect(tried.map(({ zone }) => zone)).toEqual(['eu/a', 'eu/b', 'us/a'].flatMap((zone) => Array(4).fill(zone)));
    expect(picker.pick({ hashKey: undefined, tried })).toBeUndefined();
    expect(policyIn('eu/a').over([]).pick({ hashKey: undefined, tried: [] })).toBeUndefined();
  });

  it('gives each of the methods that are called in turn its share', () => {
    const policy = policyIn('eu/a');
    const willing = [...local.slice(0, 2), ...near];
    const pickers = [policy.over(willing, all), policy.over(willing, all)];
    const counts = [0, 0];
    for (let call = 0; call < 10_000; call += 1) {
      const which = call % 2;
      const zone = pickers[which]?.pick({ hashKey: undefined, tried: [] })?.zone;
      if (zone === 'eu/a') counts[which] = (counts[which] ?? 0) + 1;
    }
    expect(counts.map((count) => Math.round(count / 50))).toEqual([70, 70]);
  });

  it('keeps shares exact where a picker lives for one call', () => {
    const policy = policyIn('eu/a');
    const willing = [...local.slice(0, 2), ...near];
    let stayed = 0;
    for (let call = 0; call < 1_000; call += 1) {
      if (policy.over(willing, all).pick({ hashKey: undefined, tried: [] })?.zone === 'eu/a') stayed += 1;
    }
    expect(Math.abs(stayed - 700)).toBeLessThanOrEqual(5);
  });

  it('never picks a dead one while another lives, through a thousand random deaths', () => {
    const random = seededRandom(7);
    const policy = policyIn('eu/a');
    const dead = new Set<Replica>();
    for (let step = 0; step < 1_000; step += 1) {
      const one = all[Math.floor(random.next() * all.length)];
      if (one !== undefined && !dead.delete(one)) dead.add(one);
      const willing = all.filter((candidate) => !dead.has(candidate));
      const picker = policy.over(willing, all);
      const picked = Array.from({ length: 64 }, () => picker.pick({ hashKey: undefined, tried: [] }));
      if (willing.length === 0) continue;
      expect(picked.every((candidate) => candidate !== undefined && !dead.has(candidate))).toBe(true);
      const stayed = picked.filter((candidate) => candidate?.zone === 'eu/a').length / 64;
      expect(Math.abs(stayed - expectedShare(willing))).toBeLessThan(0.08);
    }
  });

  /** Of the caller's zone, by the rule. */
  function expectedShare(willing: readonly Replica[]): number {
    const fitness = ['eu/a', 'eu/b', 'us/a'].map((zone) =>
      Math.min(1, (1.4 * willing.filter((candidate) => candidate.zone === zone).length) / 4),
    );
    const whole = fitness.reduce((sum, part) => sum + part, 0);
    return (fitness[0] ?? 0) / Math.min(1, whole);
  }
});
