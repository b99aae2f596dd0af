import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import {
  candidate,
  exponential,
  type FakeCandidate,
  fleet,
  simulate,
  type Traffic,
} from '../../test/support/simulated-fleet.js';
import { leastRequest } from './least-request.js';

const call = { hashKey: undefined, tried: [] };
const policy = () => leastRequest(seededRandom(1));

describe('least request', () => {
  it.each<[string, Traffic['load']]>([
    ['5 calls a second', { perSecond: 5 }],
    ['50 calls a second', { perSecond: 50 }],
    ['200 calls a second', { perSecond: 200 }],
    ['1,000 calls a second', { perSecond: 1_000 }],
    ['one call at a time', { atOnce: 1 }],
    ['2 calls at a time', { atOnce: 2 }],
    ['8 calls at a time', { atOnce: 8 }],
    ['64 calls at a time', { atOnce: 64 }],
    ['256 calls at a time', { atOnce: 256 }],
  ])('divides calls 4 : 1 by weight with %s of 10 ms', (_, load) => {
    const candidates = [candidate('heavy', { weight: 400 }), candidate('light', { weight: 100 })];
    const serviceMs: Traffic['serviceMs'] = (_candidate, random) => exponential(random, 10);
    const counts = simulate({ policy: policy(), fleet: candidates, calls: 20_000, load, serviceMs });
    const { heavy = 0, light = 1 } = counts;
    expect(heavy / light).toBeGreaterThan(3.85);
    expect(heavy / light).toBeLessThan(4.15);
  });

  it.each([
    [100, 0.12],
    [300, 0.1],
    [1_000, 0.06],
  ])(
    'gives a replica that is 20 × slower than two others few calls: at %i a second a share below %d',
    (perSecond, bound) => {
      const serviceMs: Traffic['serviceMs'] = ({ id }, random) => exponential(random, id === 'i2' ? 100 : 5);
      const counts = simulate({ policy: policy(), fleet: fleet(3), calls: 20_000, load: { perSecond }, serviceMs });
      expect((counts['i2'] ?? 0) / 20_000).toBeLessThan(bound);
      expect((counts['i2'] ?? 0) / 20_000).toBeGreaterThan(0.01);
    },
  );

  it('never picks the busiest of 1,000 candidates, and may pick all others', () => {
    const candidates = fleet(1_000, (index) => ({ inFlight: index }));
    const picker = policy().over(candidates);
    const picked = new Set<FakeCandidate | undefined>();
    for (let count = 0; count < 50_000; count += 1) picked.add(picker.pick(call));
    expect(picked.has(candidates[999])).toBe(false);
    expect(picked.size).toBeGreaterThan(950);
  });
});
