import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { candidate, type FakeCandidate, fleet, share } from '../../test/support/simulated-fleet.js';
import { roundRobin, weightedRoundRobin } from './round-robin.js';

const call = { hashKey: undefined, tried: [] };

describe('round robin', () => {
  it('gives each of three candidates three of nine calls, whatever their weights and calls in flight', () => {
    const candidates = fleet(3, (index) => ({ weight: 1 + index * 400, inFlight: index * 9 }));
    expect(share(roundRobin(seededRandom(1)).over(candidates), 9)).toEqual({ i0: 3, i1: 3, i2: 3 });
  });

  it('goes on where the last picker stopped', () => {
    const policy = roundRobin(seededRandom(1));
    const candidates = fleet(3);
    const counts: Record<string, number> = {};
    for (let round = 0; round < 300; round += 1) {
      const id = policy.over(candidates).pick(call)?.id ?? 'none';
      counts[id] = (counts[id] ?? 0) + 1;
    }
    expect(counts).toEqual({ i0: 100, i1: 100, i2: 100 });
  });

  it.each([3, 7])('spreads the first calls of many clients evenly over %i candidates', (size) => {
    const candidates = fleet(size);
    const counts: Record<string, number> = {};
    const chance = seededRandom(11);
    for (let client = 0; client < 9_000; client += 1) {
      const picker = roundRobin(chance).over(candidates);
      for (let calls = client % 3; calls >= 0; calls -= 1) {
        const id = picker.pick(call)?.id ?? 'none';
        counts[id] = (counts[id] ?? 0) + 1;
      }
    }
    expect(Object.keys(counts)).toHaveLength(size);
    for (const count of Object.values(counts)) expect(Math.abs(count / (18_000 / size) - 1)).toBeLessThan(0.05);
  });

  it('gives a new instance fewer calls during slow start, and never two in a row', () => {
    const picker = roundRobin(seededRandom(1)).over([candidate('a'), candidate('b'), candidate('new', { ramp: 0.5 })]);
    const picks = Array.from({ length: 1_000 }, () => picker.pick(call)?.id);
    expect(picks.filter((id) => id === 'new').length).toBeGreaterThan(190);
    expect(picks.filter((id) => id === 'new').length).toBeLessThan(210);
    expect(picks.some((id, index) => id === 'new' && picks[index + 1] === 'new')).toBe(false);
  });
});

const fourToOne = () => [candidate('heavy', { weight: 400 }), candidate('light', { weight: 100 })];

const over = (candidates: readonly FakeCandidate[], weights: 'static' | 'load' = 'static') =>
  weightedRoundRobin(seededRandom(1), weights).over(candidates);

describe('weighted round robin', () => {
  it('makes no bursts: the heavy candidate gets about four calls between two of the light one', () => {
    const picker = over(fourToOne());
    const gaps: number[] = [];
    let gap = 0;
    for (let index = 0; index < 5_000; index += 1) {
      if (picker.pick(call)?.id === 'heavy') gap += 1;
      else gap = gaps.push(gap) * 0;
    }
    expect(new Set(gaps.slice(1))).toEqual(new Set([2, 4, 7]));
  });

  it('divides calls 4 : 1 over pickers that live for a call or two', () => {
    const policy = weightedRoundRobin(seededRandom(1), 'static');
    const counts: Record<string, number> = {};
    for (let index = 0; index < 2_000; index += 1) {
      const picker = policy.over(fourToOne());
      for (let calls = 1 + (index % 2); calls > 0; calls -= 1) {
        const id = picker.pick(call)?.id ?? 'none';
        counts[id] = (counts[id] ?? 0) + 1;
      }
    }
    const { heavy = 0, light = 1 } = counts;
    expect(heavy / light).toBeGreaterThan(3.9);
    expect(heavy / light).toBeLessThan(4.1);
  });

  it('divides calls 4 : 1 over many clients with one call each', () => {
    const chance = seededRandom(2);
    const counts: Record<string, number> = {};
    for (let client = 0; client < 10_000; client += 1) {
      const id = weightedRoundRobin(chance, 'static').over(fourToOne()).pick(call)?.id ?? 'none';
      counts[id] = (counts[id] ?? 0) + 1;
    }
    const { heavy = 0, light = 1 } = counts;
    expect(heavy / light).toBeGreaterThan(3.8);
    expect(heavy / light).toBeLessThan(4.2);
  });

  it('divides calls in proportion to 1,000 different weights', () => {
    const candidates = fleet(1_000, (index) => ({ weight: index + 1 }));
    const counts = share(over(candidates), 500_500);
    for (const { id, weight } of candidates) expect(Math.abs((counts[id] ?? 0) - weight)).toBeLessThanOrEqual(6);
  });

  it('uses the weights that instances report, and their mean for an instance that has not reported', () => {
    const known = [candidate('a', { loadWeight: 300 }), candidate('b', { loadWeight: 100 }), candidate('silent')];
    const { a = 0, b = 0, silent = 0 } = share(over(known, 'load'), 6_000);
    for (const [count, expected] of [
      [a, 3_000],
      [b, 1_000],
      [silent, 2_000],
    ] as const) {
      expect(Math.abs(count - expected)).toBeLessThan(20);
    }
  });
});
