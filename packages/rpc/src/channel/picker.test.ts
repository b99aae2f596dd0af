import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { endpoints, resolution } from '../../test/support/endpoints.js';
import { methodOf } from '../../test/support/method.js';
import { makePool } from '../../test/support/pool.js';
import type { BalancingPolicy } from '../balancer/picker.js';
import { CORE_POLICIES } from '../balancer/policies.js';
import { GroupPicker } from './picker.js';

const safe = methodOf('no_side_effects');
const newer = methodOf('no_side_effects', { name: 'Newer', path: '/s.S/Newer' });
const unsafe = methodOf('unknown', { name: 'Unsafe', path: '/s.S/Unsafe' });
const refusal = { reason: 'unknown service s.S', proven: true, foreign: false };

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `i${index}`);

describe('a connected instance', () => {
  it('takes the calls: no call waits for a connecting instance', async () => {
    const { pool, at, share } = makePool({ byHand: true });
    pool.onResolution(resolution('a', 'b'));
    for (const name of ['a', 'b']) at(`${name}:1`).move('ready');
    pool.onResolution(resolution('a', 'b', 'mute'));
    expect(at('mute:1').state).toBe('connecting');
    expect(share(6)).toEqual({ a: 3, b: 3 });
    at('mute:1').move('ready');
    expect(share(9)).toEqual({ a: 3, b: 3, mute: 3 });
  });

  it('is waited for if there is none, until the first one is ready', async () => {
    const { pool, at, clock, pick } = makePool({ byHand: true });
    pool.onResolution(resolution('mute', 'b'));
    expect(pick()).toBeUndefined();
    expect(pool.instances.connectable(safe, { tried: [] })).toHaveLength(2);
    at('b:1').move('ready');
    await clock.advance(49);
    expect(pick()).toBeUndefined(); // those that began to connect together share the first calls evenly
    const changed = new Promise<void>((resolve) => pool.onChange(resolve));
    await clock.advance(1);
    await changed;
    expect(pick()).toBe('b');
    expect(clock.timers).toBe(0);
  });

  it('does not wait for the others once all of them have come or failed', async () => {
    const { pool, at, clock, share } = makePool({ byHand: true });
    pool.onResolution(resolution('a', 'b', 'c'));
    at('a:1').move('ready');
    at('b:1').move('transient_failure', 'refused');
    at('c:1').move('ready');
    expect(share(4)).toEqual({ a: 2, c: 2 });
    expect(clock.timers).toBe(0);
  });

  it('leaves no timer behind where the channel is closed meanwhile', () => {
    const { pool, at, clock } = makePool({ byHand: true });
    pool.onResolution(resolution('a', 'b'));
    at('a:1').move('ready');
    pool.close();
    expect(clock.timers).toBe(0);
  });
});

describe('a large set', () => {
  const connecting = (at: ReturnType<typeof makePool>['at'], names: readonly string[]) =>
    names.filter((name) => at(`${name}:1`).state === 'connecting').length;

  it('is connected by the calls that need it: a few at first, and never many at once', () => {
    const names = numbered(100);
    const { pool, at, pick, share } = makePool({ byHand: true });
    pool.onResolution(resolution(...names));
    expect(connecting(at, names)).toBe(0);
    expect(pick()).toBeUndefined();
    expect(connecting(at, names)).toBe(4);
    const first = names.find((name) => at(`${name}:1`).state === 'connecting') ?? '';
    at(`${first}:1`).move('ready');
    expect(share(500)).toEqual({ [first]: 500 });
    expect(connecting(at, names)).toBe(8);
  });

  it('is connected as a whole in the end, and shared out evenly', () => {
    const names = numbered(20);
    const { pool, at, share } = makePool();
    pool.onResolution(resolution(...names));
    share(1_000);
    expect(names.filter((name) => at(`${name}:1`).state === 'ready')).toHaveLength(20);
    expect(share(60)).toEqual(Object.fromEntries(names.map((name) => [name, 3])));
  });
});

describe('an instance that refuses', () => {
  it('all of a service is passed over, asked again after 1, 2, 4 … 60 s by one call each time', async () => {
    const { pool, share, candidate, clock, refuse } = makePool();
    pool.onResolution(resolution('a', 'b', 'wrong'));
    const asked: number[] = [];
    refuse(candidate('wrong'), refusal);
    for (let second = 1; second <= 200; second += 1) {
      await clock.advance(1_000);
      if (share(6)['wrong'] !== undefined) {
        asked.push(second);
        refuse(candidate('wrong'), refusal);
      }
      expect(share(6)['wrong']).toBeUndefined();
    }
    expect(asked).toEqual([1, 3, 7, 15, 31, 63, 123, 183]);
    pool.onAnswer(candidate('wrong'), false);
    expect(share(9)).toEqual({ a: 3, b: 3, wrong: 3 });
  });

  it('one method only, as it has answered others, is passed over for that one', () => {
    const { pool, share, candidate, refuse } = makePool();
    pool.onResolution(resolution('new', 'old'));
    pool.onAnswer(candidate('old'), false);
    refuse(candidate('old', newer), refusal);
    expect(share(4, newer)).toEqual({ new: 4 });
    expect(share(4, safe)).toEqual({ new: 2, old: 2 });
  });

  it('is asked again soon after it was connected again', async () => {
    const { pool, at, share, candidate, clock, refuse } = makePool();
    pool.onResolution(resolution('a', 'wrong'));
    for (let count = 0; count < 6; count += 1) refuse(candidate('wrong'), refusal);
    await clock.advance(1_000);
    expect(share(4)).toEqual({ a: 4 });
    at('wrong:1').move('connecting');
    at('wrong:1').move('ready');
    await clock.advance(1_000);
    expect(share(4)['wrong']).toBe(1);
  });

  it('without a proof that no handler saw the call is asked again by safe methods alone', async () => {
    const { pool, share, candidate, clock, refuse } = makePool();
    pool.onResolution(resolution('a', 'wrong'));
    refuse(candidate('wrong'), { ...refusal, proven: false });
    await clock.advance(1_000);
    expect(share(4, unsafe)).toEqual({ a: 4 });
    expect(share(4, safe)['wrong']).toBe(1);
  });

  it('is picked if there is no other, but not while another one is connecting', () => {
    const { pool, at, pick, candidate, refuse } = makePool();
    pool.onResolution(resolution('a', 'wrong'));
    refuse(candidate('wrong'), refusal);
    at('a:1').move('connecting');
    expect(pick()).toBeUndefined();
    at('a:1').move('transient_failure', 'refused');
    expect(pick()).toBe('wrong');
    expect(pick(safe, [candidate('wrong')])).toBeUndefined();
  });
});

describe('why an instance gets no calls', () => {
  it('is known of each', () => {
    const { pool, at, candidate, refuse } = makePool({ byHand: true });
    const [a, b, c, d, e] = endpoints('a', 'b', 'c', 'd', 'e');
    if (!a || !b || !c || !d || !e) throw new Error('five endpoints were asked for');
    const held = [
      { ...c, state: 'cordoned' as const },
      { ...d, state: 'draining' as const },
    ];
    pool.onResolution({ endpoints: [a, b, ...held, e], departed: [] });
    at('a:1').move('ready');
    at('e:1').move('ready');
    refuse(candidate('e'), refusal);
    const reasons = () => pool.instances.all.map((one) => one.whyUnavailable());
    expect(reasons()).toEqual([
      undefined,
      'connecting',
      'cordoned by an operator',
      'draining',
      'set aside: answers UNIMPLEMENTED: unknown service s.S',
    ]);
    at('b:1').move('transient_failure', 'connect ECONNREFUSED b:1');
    expect(reasons()[1]).toBe('connect ECONNREFUSED b:1');
  });
});

it('a group makes one picker over its candidates that are set aside, for all calls that have no other', () => {
  const { pool, clock, candidate, refuse } = makePool();
  pool.onResolution({ endpoints: endpoints('a', 'b'), departed: [] });
  const refusal = { reason: 'no such method', proven: true, foreign: false };
  for (const name of ['a', 'b']) refuse(candidate(name), refusal);
  const method = methodOf('no_side_effects');
  const policy = CORE_POLICIES.round_robin({ random: seededRandom(1), zone: '', weights: 'static' });
  const made: number[] = [];
  const counted: BalancingPolicy = {
    over(candidates, capacity) {
      made.push(candidates.length);
      return policy.over(candidates, capacity);
    },
  };
  const candidates = [candidate('a', method), candidate('b', method)];
  const group = new GroupPicker(candidates, { method, clock, policy: counted, capacity: [] });
  const ids = Array.from({ length: 4 }, () => group.pickSetAside({ hashKey: undefined, tried: [] })?.id);
  expect(new Set(ids)).toEqual(new Set(['a', 'b']));
  expect(made).toEqual([0, 2]);
});
