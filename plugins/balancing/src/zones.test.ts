import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '@rondo/rpc/client';
import { DEFAULT_SERVICE_POLICY } from '@rondo/rpc/internal';
import { endpoint } from '../../../packages/rpc/test/support/endpoints.js';
import { methodOf } from '../../../packages/rpc/test/support/method.js';
import { makePool } from '../../../packages/rpc/test/support/pool.js';

const LOCAL = ['a1', 'a2', 'a3', 'a4'];
const ALL: readonly Endpoint[] = [
  ...LOCAL.map((name) => endpoint(name, { zone: 'eu/a' })),
  ...['b1', 'b2', 'b3', 'b4'].map((name) => endpoint(name, { zone: 'eu/b' })),
];

/** A client in `eu/a` of four replicas each in its own and another zone of its region. */
function makeZones({ byHand = false } = {}) {
  const made = makePool({
    byHand,
    balancing: { ...DEFAULT_SERVICE_POLICY.balancing, policy: 'zone_aware' },
    zone: 'eu/a',
  });
  made.pool.onResolution({ endpoints: ALL, departed: [] });
  /** The part of a thousand calls that stay in the zone, and of those that go to each. */
  const calls = () => {
    const share = made.share(1_000);
    const local = Object.entries(share).filter(([name]) => name.startsWith('a'));
    return { share, local: local.reduce((sum, [, count]) => sum + count, 0) / 1_000 };
  };
  const setState = (names: readonly string[], state: Endpoint['state']) => {
    const endpoints = ALL.map((one) => (names.includes(one.instanceId) ? { ...one, state } : one));
    made.pool.onResolution({ endpoints, departed: [] });
  };
  return { ...made, calls, setState };
}

describe('calls from a zone', () => {
  it('stay there while it is well, evenly', () => {
    const { calls } = makeZones();
    expect(calls()).toEqual({ share: { a1: 250, a2: 250, a3: 250, a4: 250 }, local: 1 });
  });

  it('leave it in part where half of it is dead, and none goes to the dead', () => {
    const { at, calls } = makeZones();
    for (const name of ['a1', 'a2']) at(`${name}:1`).move('transient_failure', 'refused');
    const { share, local } = calls();
    expect(local).toBeCloseTo(0.7, 2);
    expect(Object.keys(share).sort()).toEqual(['a3', 'a4', 'b1', 'b2', 'b3', 'b4']);
    for (const name of ['a1', 'a2']) at(`${name}:1`).move('ready');
    expect(calls().local).toBe(1);
  });

  it('leave it in part where half of it says that it is not ready any more', () => {
    const { calls, setState } = makeZones();
    calls();
    setState(['a1', 'a2'], 'starting');
    expect(calls().local).toBeCloseTo(0.7, 2);
  });

  it('leave it in part, of one method, where half of it refuses that', () => {
    const { pool, candidate, refuse, share } = makeZones();
    const newer = methodOf('no_side_effects', { name: 'Newer', path: '/s.S/Newer' });
    for (const name of ['a1', 'a2']) {
      pool.onAnswer(candidate(name), false);
      refuse(candidate(name, newer), { reason: 'unknown method', proven: true, foreign: false });
    }
    const { a3 = 0, a4 = 0 } = share(1_000, newer);
    expect((a3 + a4) / 1_000).toBeCloseTo(0.7, 2);
    expect(share(1_000)).toEqual({ a1: 250, a2: 250, a3: 250, a4: 250 });
  });

  it.each(['draining', 'cordoned'] as const)('stay there where half of it is %s: that was meant', (state) => {
    const { calls, setState } = makeZones();
    calls();
    setState(['a1', 'a2'], state);
    expect(calls()).toEqual({ share: { a3: 500, a4: 500 }, local: 1 });
  });

  it('stay there where it grows: who is not ready or connected yet was not lost', () => {
    const { pool, at, calls } = makeZones({ byHand: true });
    for (const { instanceId } of ALL) at(`${instanceId}:1`).move('ready');
    const newcomers = ['a5', 'a6', 'a7', 'a8'].map((name) => endpoint(name, { zone: 'eu/a' }));
    const starting = newcomers.map((one) => ({ ...one, state: 'starting' as const }));
    pool.onResolution({ endpoints: [...ALL, ...starting], departed: [] });
    expect(calls().local).toBe(1);
    pool.onResolution({ endpoints: [...ALL, ...newcomers], departed: [] });
    expect(at('a5:1').state).toBe('connecting');
    expect(calls().local).toBe(1);
  });

  it('stay there where half of it said goodbye', () => {
    const { pool, calls } = makeZones();
    calls();
    pool.onResolution({ endpoints: ALL.slice(2), departed: ['a1', 'a2'] });
    expect(calls().local).toBe(1);
  });
});
