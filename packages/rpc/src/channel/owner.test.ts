import { describe, expect, it } from '@jest/globals';
import { endpoint } from '../../test/support/endpoints.js';
import { methodOf } from '../../test/support/method.js';
import { makePool } from '../../test/support/pool.js';
import { DEFAULT_SERVICE_POLICY } from '../contract/balancing.js';
import type { Endpoint } from '../resolver/resolver.js';
import { balancingOf } from './overrides.js';

const method = methodOf('no_side_effects');
const { balancing } = balancingOf('s.S', DEFAULT_SERVICE_POLICY, { 's.S': { policy: 'ring_hash' } });
const keys = Array.from({ length: 40 }, (_, index) => `rooms/${index}`);

/** A pool by ring_hash whose connections are made by hand. */
function startPool() {
  const { pool, at, clock } = makePool({ byHand: true, balancing });
  return {
    pool,
    clock,
    list: (...listed: readonly (string | Endpoint)[]) =>
      pool.onResolution({
        endpoints: listed.map((one) => (typeof one === 'string' ? endpoint(one) : one)),
        departed: [],
      }),
    connect: (...names: readonly string[]) => {
      for (const name of names) at(`${name}:1`).move('ready');
    },
    move: (name: string, state: 'connecting' | 'transient_failure') => at(`${name}:1`).move(state),
    picks: () => keys.map((hashKey) => pool.pick(method, { hashKey, tried: [] })?.id),
    owners: () => keys.map((key) => pool.owner(key)?.endpoint.instanceId),
  };
}

/** Three instances, which are connected. */
async function startThree() {
  const made = startPool();
  made.list('a', 'b', 'c');
  made.connect('a', 'b', 'c');
  await made.clock.advance(1_000);
  return made;
}

describe('the owner of a key', () => {
  it('is waited for while the first connection to it is being made, and other keys are not', async () => {
    const { list, connect, clock, picks, owners } = startPool();
    list('a', 'b', 'c');
    connect('a', 'b');
    await clock.advance(1_000);
    const all = owners();
    expect(new Set(all)).toEqual(new Set(['a', 'b', 'c']));
    expect(picks()).toEqual(all.map((id) => (id === 'c' ? undefined : id)));
    connect('c');
    expect(picks()).toEqual(all);
  });

  it('is a new instance at once: there is no slow start that two clients would see differently', async () => {
    const { list, connect, picks, owners } = await startThree();
    const before = picks();
    list('a', 'b', 'c', 'd');
    const after = owners();
    expect(new Set(after.filter((id, index) => id !== before[index]))).toEqual(new Set(['d']));
    expect(picks()).toEqual(after.map((id) => (id === 'd' ? undefined : id)));
    connect('d');
    expect(picks()).toEqual(after);
  });

  it('stays while a lost connection is made anew, and is the next instance once that has failed', async () => {
    const { connect, move, picks, owners } = await startThree();
    const before = owners();
    move('c', 'connecting');
    expect(picks()).toEqual(before.map((id) => (id === 'c' ? undefined : id)));
    move('c', 'transient_failure');
    const moved = picks();
    expect(owners()).toEqual(moved);
    expect(moved.filter((id, index) => id !== before[index] && before[index] !== 'c')).toEqual([]);
    expect(moved).not.toContain('c');
    connect('c');
    expect(picks()).toEqual(before);
  });

  it('is no canary, and no draining instance', async () => {
    const { list, owners } = await startThree();
    list('a', endpoint('b', { state: 'draining' }), endpoint('c', { metadata: { canary: '5' } }));
    expect(new Set(owners())).toEqual(new Set(['a']));
  });
});
