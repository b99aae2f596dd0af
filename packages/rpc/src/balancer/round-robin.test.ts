import { describe, expect, it } from '@jest/globals';
import { candidate, fleet, share } from '../../test/support/simulated-fleet.js';
import { seededRandom } from '../testing/index.js';
import { roundRobin } from './round-robin.js';

const call = { hashKey: undefined, tried: [] };

describe('round robin', () => {
  it('shares nine calls out three each, whatever they weigh or have to do', () => {
    const candidates = fleet(3, (index) => ({ weight: 1 + index * 400, inFlight: index * 9 }));
    expect(share(roundRobin(seededRandom(1)).over(candidates), 9)).toEqual({ i0: 3, i1: 3, i2: 3 });
  });

  it('has one turn over all methods, and over lists that are made again', () => {
    const policy = roundRobin(seededRandom(1));
    const candidates = fleet(3);
    const counts: Record<string, number> = {};
    for (let round = 0; round < 300; round += 1) {
      const id = policy.over(candidates).pick(call)?.id ?? 'nobody';
      counts[id] = (counts[id] ?? 0) + 1;
    }
    expect(counts).toEqual({ i0: 100, i1: 100, i2: 100 });
  });

  it.each([3, 7])('spreads the first calls of many clients evenly over %i', (size) => {
    const candidates = fleet(size);
    const counts: Record<string, number> = {};
    const chance = seededRandom(11);
    for (let client = 0; client < 9_000; client += 1) {
      const picker = roundRobin(chance).over(candidates);
      for (let calls = client % 3; calls >= 0; calls -= 1) {
        const id = picker.pick(call)?.id ?? 'nobody';
        counts[id] = (counts[id] ?? 0) + 1;
      }
    }
    expect(Object.keys(counts)).toHaveLength(size);
    for (const count of Object.values(counts)) expect(Math.abs(count / (18_000 / size) - 1)).toBeLessThan(0.05);
  });

  it('stays even over clients that start at different times', () => {
    const chance = seededRandom(3);
    const candidates = fleet(3);
    const pickers = Array.from({ length: 10 }, () => roundRobin(chance).over(candidates));
    const counts: Record<string, number> = {};
    for (let turn = 0; turn < 1_000; turn += 1) {
      for (const picker of pickers.slice(0, 1 + Math.floor(turn / 100))) {
        const id = picker.pick(call)?.id ?? 'nobody';
        counts[id] = (counts[id] ?? 0) + 1;
      }
    }
    for (const count of Object.values(counts)) expect(Math.abs(count / (5_500 / 3) - 1)).toBeLessThan(0.05);
  });

  it('gives a newcomer less while its share grows, and never two calls in a row', () => {
    const picker = roundRobin(seededRandom(1)).over([candidate('a'), candidate('b'), candidate('new', { ramp: 0.5 })]);
    const picks = Array.from({ length: 1_000 }, () => picker.pick(call)?.id);
    expect(picks.filter((id) => id === 'new').length).toBeGreaterThan(190);
    expect(picks.filter((id) => id === 'new').length).toBeLessThan(210);
    expect(picks.some((id, index) => id === 'new' && picks[index + 1] === 'new')).toBe(false);
  });
});
