import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { endpoint, endpoints } from '../../test/support/endpoints.js';
import { methodOf } from '../../test/support/method.js';
import { makePool } from '../../test/support/pool.js';
import { goldenRatioSequence } from '../balancer/low-discrepancy.js';
import { DEFAULT_BALANCING } from '../contract/balancing.js';
import type { Method } from '../contract/method.js';
import type { Endpoint } from '../resolver/resolver.js';
import { describeVersions, GroupPolicies, STABLE, trafficGroupOf, versionGroup } from './picker.js';
import type { MethodCandidate } from './subchannel.js';

const METHODS = ['One', 'Two', 'Three', 'Four'].map((name) =>
  methodOf('no_side_effects', { name, path: `/s.S/${name}` }),
);
const [ONE = methodOf('no_side_effects')] = METHODS;

const canary = (name: string, percent: string, version = '2.0.0') =>
  endpoint(name, { version, metadata: { canary: percent } });

function fleet(...of: readonly Endpoint[]) {
  const made = makePool({ balancing: { ...DEFAULT_BALANCING, slowStartMs: 0 } });
  made.pool.onResolution({ endpoints: of, departed: [] });
  /** The ids of those that get `count` calls, each of the next method in turn. */
  const calls = (count: number, methods: readonly Method[] = [ONE]) =>
    Array.from({ length: count }, (_, index) => made.pick(methods[index % methods.length]) ?? 'none');
  const asking = (version: string, tried: readonly MethodCandidate[] = []) =>
    made.pool.pick(ONE, { hashKey: undefined, tried, version })?.id;
  return { ...made, calls, asking };
}

/** How many percent of `ids` begin with `prefix`. */
const percentOf = (ids: readonly string[], prefix: string) =>
  (100 * ids.filter((id) => id.startsWith(prefix)).length) / ids.length;

describe('canaries', () => {
  it.each([1, 3, 20])('that say 5 get 5 % of 20,000 calls together where there are %i of them', (count) => {
    const names = Array.from({ length: count }, (_, index) => `new-${index}.`);
    const { share, calls } = fleet(...endpoints('a', 'b', 'c'), ...names.map((name) => canary(name, '5')));
    share(100);
    const ids = calls(20_000);
    expect(Math.abs(percentOf(ids, 'new') - 5)).toBeLessThan(0.1);
    for (const name of ['a', 'b', 'c']) expect(Math.abs(percentOf(ids, name) - 95 / 3)).toBeLessThan(0.5);
    for (const name of names) expect(Math.abs(percentOf(ids, name) - 5 / count)).toBeLessThan(0.5);
  });

  it('get their share of each of four methods that are called in turn, and of every stretch', () => {
    const { calls } = fleet(...endpoints('a', 'b', 'c'), canary('new', '5'));
    const ids = calls(20_000, METHODS);
    for (const [index] of METHODS.entries()) {
      const own = ids.filter((_, call) => call % METHODS.length === index);
      expect(Math.abs(percentOf(own, 'new') - 5)).toBeLessThan(0.5);
    }
    for (let from = 0; from < ids.length; from += 1_000) {
      expect(Math.abs(percentOf(ids.slice(from, from + 1_000), 'new') - 5)).toBeLessThan(0.5);
    }
  });

  it('keep it while instances come and go', () => {
    const { pool, calls } = fleet(...endpoints('a', 'b', 'c'), canary('new', '5'));
    const ids: string[] = [];
    for (let round = 0; round < 2_000; round += 1) {
      const others = round % 2 === 0 ? ['a', 'b'] : ['a', 'b', 'c'];
      pool.onResolution({ endpoints: [...endpoints(...others), canary('new', '5')], departed: ['c'] });
      ids.push(...calls(10));
    }
    expect(Math.abs(percentOf(ids, 'new') - 5)).toBeLessThan(0.5);
  });

  it('get it of one call each of many clients, too', () => {
    const random = seededRandom(7);
    const first = Array.from({ length: 20_000 }, () => goldenRatioSequence(random)() < 0.05);
    expect(Math.abs((100 * first.filter(Boolean).length) / first.length - 5)).toBeLessThan(0.5);
  });

  it('of another label or version get theirs next to it', () => {
    const { calls } = fleet(...endpoints('a'), canary('x', '5'), canary('y', '10'), canary('z', '5', '3.0.0'));
    const ids = calls(20_000);
    for (const [name, percent] of [
      ['x', 5],
      ['y', 10],
      ['z', 5],
      ['a', 80],
    ] as const) {
      expect(Math.abs(percentOf(ids, name) - percent)).toBeLessThan(0.1);
    }
  });

  it('share all in proportion where their percentages add up to more than there is', () => {
    const { calls } = fleet(...endpoints('a'), canary('x', '100'), canary('y', '50'));
    const ids = calls(3_000);
    expect(Math.abs(percentOf(ids, 'x') - 200 / 3)).toBeLessThan(0.5);
    expect(Math.abs(percentOf(ids, 'y') - 100 / 3)).toBeLessThan(0.5);
  });

  it.each(['0', '5%', '', '-1', '1e1', '101', 'five'])('whose label is "%s" get no call, and say why', (label) => {
    const { calls, subchannel } = fleet(...endpoints('a'), canary('new', label));
    expect(new Set(calls(1_000))).toEqual(new Set(['a']));
    expect(subchannel('new').whyUnavailable()).toContain(
      `takes only calls that ask for its version: its label is canary=${label}`,
    );
    expect(subchannel('a').whyUnavailable()).toBeUndefined();
  });

  it('leave their share to the others while none of them is there', () => {
    const { at, pool, calls, candidate, refuse } = fleet(...endpoints('a'), canary('new', '50'));
    refuse(candidate('new', ONE), { reason: 'no', proven: true, foreign: false });
    expect(new Set(calls(100))).toEqual(new Set(['a']));
    pool.onAnswer(candidate('new', ONE), false);
    expect(new Set(calls(100))).toEqual(new Set(['a', 'new']));
    at('new:1').move('transient_failure', 'refused');
    expect(new Set(calls(100))).toEqual(new Set(['a']));
  });

  it('take all calls if no other instance is left', () => {
    const { at, calls } = fleet(...endpoints('a'), canary('x', '5'), canary('y', '10'));
    at('a:1').move('transient_failure', 'refused');
    const ids = calls(3_000);
    expect(Math.abs(percentOf(ids, 'x') - 100 / 3)).toBeLessThan(0.5);
    expect(Math.abs(percentOf(ids, 'y') - 200 / 3)).toBeLessThan(0.5);
  });

  it('take retries of their own calls, and of others if no other instance is left', () => {
    const of = [...endpoints('a', 'b'), canary('x', '50'), canary('y', '50')];
    const { candidate, pick } = fleet(...of);
    const [a, b, x, y] = ['a', 'b', 'x', 'y'].map((name) => candidate(name, ONE));
    if (!(a && b && x && y)) throw new Error('four were asked for');
    for (let count = 0; count < 20; count += 1) {
      expect(pick(ONE, [x])).toBe('y');
      expect(pick(ONE, [a])).toBe('b');
      expect(['a', 'b']).toContain(pick(ONE, [x, y]));
      expect(['x', 'y']).toContain(pick(ONE, [a, b]));
    }
    expect(pick(ONE, [a, b, x, y])).toBeUndefined();
  });

  it('have all of it at once, as a percentage is what an operator says', () => {
    const { pool, calls } = makeFleetWithSlowStart();
    pool.onResolution({ endpoints: [...endpoints('a', 'b'), canary('new', '5')], departed: [] });
    expect(Math.abs(percentOf(calls(2_000), 'new') - 5)).toBeLessThan(0.2);
  });
});

function makeFleetWithSlowStart() {
  const made = makePool();
  made.pool.onResolution({ endpoints: endpoints('a', 'b'), departed: [] });
  made.share(4);
  return { ...made, calls: (count: number) => Array.from({ length: count }, () => made.pick(ONE) ?? 'none') };
}

describe('a call that asks for a version', () => {
  const of = [endpoint('old', { version: '1.0.0' }), ...endpoints('unsaid'), canary('x', '0'), canary('y', '5')];

  it('goes to instances of that version alone, canaries or not', () => {
    const { asking, candidate } = fleet(...of);
    const ids = (version: string) => new Set(Array.from({ length: 20 }, () => asking(version)));
    expect(ids('2.0.0')).toEqual(new Set(['x', 'y']));
    expect(ids('1.0.0')).toEqual(new Set(['old']));
    expect(asking('2.0.0', [candidate('x', ONE), candidate('y', ONE)])).toBeUndefined();
    expect(asking('3.0.0')).toBeUndefined();
  });

  it('goes to the one of its version although that is set aside', () => {
    const { asking, candidate, refuse } = fleet(...endpoints('a'), canary('x', '0'));
    refuse(candidate('x', ONE), { reason: 'no such method', proven: true, foreign: false });
    expect(asking('2.0.0')).toBe('x');
  });

  it('follows an instance whose version changes', () => {
    const { asking, pool } = fleet(...of);
    expect(asking('1.0.0')).toBe('old');
    pool.onResolution({ endpoints: [endpoint('old', { version: '1.1.0' })], departed: [] });
    expect(asking('1.0.0')).toBeUndefined();
    expect(asking('1.1.0')).toBe('old');
  });

  it('waits for those of its version that are being connected, and for no others', () => {
    const { at, asking, pool } = fleet(...of);
    at('old:1').move('connecting');
    expect(asking('1.0.0')).toBeUndefined();
    const coming = (version?: string) =>
      pool.instances.connectable(ONE, { tried: [], version }).map(({ endpoint: { instanceId } }) => instanceId);
    expect(coming('1.0.0')).toEqual(['old']);
    expect(coming('2.0.0')).toEqual([]);
  });

  it('waits for no others, as the first calls of a client do for those that begin to connect with theirs', () => {
    const { pool, at, pick } = makePool({ byHand: true });
    pool.onResolution({ endpoints: [...endpoints('a', 'b'), canary('x', '0')], departed: [] });
    at('x:1').move('ready');
    expect(pool.pick(ONE, { hashKey: undefined, tried: [], version: '2.0.0' })?.id).toBe('x');
    at('a:1').move('ready');
    expect(pick(ONE)).toBeUndefined();
  });

  it('keeps no other call waiting for those that are for it alone', () => {
    const { pool, at, pick } = makePool({ byHand: true });
    pool.onResolution({ endpoints: [...endpoints('a'), canary('x', '0')], departed: [] });
    at('a:1').move('ready');
    expect(pick(ONE)).toBe('a');
  });

  it('begins the connection that it waits for, in a large set', () => {
    const { pool, at, pickCandidate } = makePool({ byHand: true });
    const many = Array.from({ length: 40 }, (_, index) => endpoint(`i${index}`, { version: `1.${index}` }));
    pool.onResolution({ endpoints: many, departed: [] });
    const first = (state: string) => {
      const found = many.find(({ address }) => at(address).state === state);
      if (found === undefined) throw new Error(`none is ${state}`);
      return found;
    };
    pickCandidate();
    at(first('connecting').address).move('ready');
    for (let count = 0; count < 100; count += 1) pickCandidate(); // as many are connecting as may be
    const { address, version } = first('idle');
    expect(pool.pick(ONE, { hashKey: undefined, tried: [], version })).toBeUndefined();
    expect(at(address).state).toBe('connecting');
  });

  it('is told of a bounded number of versions', () => {
    const of = Array.from({ length: 12 }, (_, index) => endpoint(`i${index}`, { version: `1.${index + 10}` }));
    expect(describeVersions(of)).toMatch(/^the versions there are: 1\.10, .*1\.19, 2 more$/);
  });
});

describe('GroupPolicies', () => {
  it('keep one policy for each group that has an instance', () => {
    let made = 0;
    const policies = new GroupPolicies(() => {
      made += 1;
      return { over: () => ({ pick: () => undefined }) };
    });
    const groups = [STABLE, trafficGroupOf(canary('x', '5')), versionGroup('2.0.0')];
    const first = groups.map((group) => policies.of(group));
    policies.keep([{ endpoint: canary('x', '5') }]);
    expect(groups.map((group) => policies.of(group))).toEqual(first);
    expect(made).toBe(3);
    policies.keep([{ endpoint: canary('x', '10', '3.0.0') }]);
    for (const group of groups) policies.of(group);
    expect(made).toBe(5);
  });
});
