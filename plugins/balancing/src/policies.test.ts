import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { DEFAULT_SERVICE_POLICY } from '@rondo/rpc/internal';
import { candidate, createPolicyOf, fleet, share } from '../../../packages/rpc/test/support/simulated-fleet.js';
import { balancing } from './exports/index.js';

const { balancing: DEFAULT_BALANCING } = DEFAULT_SERVICE_POLICY;
type Balancing = typeof DEFAULT_BALANCING;

const over = (
  { policy, ...settings }: Pick<Balancing, 'policy'> & Partial<Balancing>,
  list: ReturnType<typeof fleet>,
) =>
  createPolicyOf(
    policy,
    balancing,
  )({ ...DEFAULT_BALANCING, ...settings, random: seededRandom(1), zone: '' }).over(list);

/** One candidate has a higher weight, one has reported less load, one has more calls in flight. */
const unequal = [
  candidate('weighty', { weight: 300, loadWeight: 1 }),
  candidate('idle', { weight: 100, loadWeight: 3 }),
  candidate('busy', { weight: 100, loadWeight: 1, inFlight: 50 }),
];

describe('POLICIES has the policy of each name', () => {
  const shares = (balancing: Parameters<typeof over>[0]) => {
    const counts = share(over(balancing, unequal), 5_000);
    return ['weighty', 'idle', 'busy'].map((id) => Math.round((counts[id] ?? 0) / 100));
  };

  it('round_robin: exactly equal shares', () => {
    expect(shares({ policy: 'round_robin' })).toEqual([17, 17, 17]);
    expect(share(over({ policy: 'round_robin' }, unequal), 9)).toEqual({ weighty: 3, idle: 3, busy: 3 });
  });

  it('random: about equal shares', () => {
    expect(Object.values(share(over({ policy: 'random' }, unequal), 3_000))).not.toContain(1_000);
    for (const hundreds of shares({ policy: 'random' })) expect(Math.abs(hundreds - 17)).toBeLessThanOrEqual(1);
  });

  it('weighted_round_robin: shares by weight or by reported load', () => {
    expect(shares({ policy: 'weighted_round_robin' })).toEqual([30, 10, 10]);
    expect(shares({ policy: 'weighted_round_robin', weights: 'load' })).toEqual([10, 30, 10]);
  });

  it('least_request: almost no calls for the busy candidate', () => {
    expect(shares({ policy: 'least_request' })[2]).toBe(0);
  });

  it('ring_hash: the same candidate for a key', () => {
    const picker = over({ policy: 'ring_hash' }, fleet(10));
    const picks = Array.from({ length: 50 }, () => picker.pick({ hashKey: 'key', tried: [] })?.id);
    expect(new Set(picks).size).toBe(1);
  });
});
