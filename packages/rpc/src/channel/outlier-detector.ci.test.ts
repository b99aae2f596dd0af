import { describe, expect, it } from '@jest/globals';
import { endpoint } from '../../test/support/endpoints.js';
import { methodOf } from '../../test/support/method.js';
import { type Behaviour, logNormal, makeReplicas, quantile } from '../../test/support/replicas.js';
import { DEFAULT_BALANCING } from '../contract/balancing.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';

const THREE = ['a', 'b', 'c'];
const add = methodOf('no_side_effects', { name: 'Add', path: '/s.S/Add' });
const sum = methodOf('no_side_effects', { name: 'Sum', path: '/s.S/Sum' });

/** All take about 5 ms; those that `sick` names do as it says. */
const but =
  (sick: Readonly<Record<string, Behaviour>>): Behaviour =>
  (name, random) =>
    sick[name]?.(name, random) ?? { ms: logNormal(random, 5, 0.4) };
const well = but({});
const fails: Behaviour = () => ({ ms: 5, code: Status.INTERNAL });
const slow: Behaviour = (_name, random) => ({ ms: 20 * logNormal(random, 5, 0.4) });

describe('one of three replicas that answers INTERNAL to all', () => {
  it.each([
    { rate: 300, knownSeconds: 0 },
    { rate: 300, knownSeconds: 60 },
    { rate: 30, knownSeconds: 0 },
    { rate: 30, knownSeconds: 60 },
  ])(
    'is ejected within 2 s; of a minute less than 1 % fails: $rate calls/s, well for $knownSeconds s before',
    (one) => {
      const { rate, knownSeconds } = one;
      const fleet = makeReplicas(THREE);
      fleet.run({ seconds: knownSeconds, rate, does: well });
      const { calls, errors, changes } = fleet.run({ seconds: 60, rate, does: but({ b: fails }) });
      expect(changes[0]).toMatchObject({ aside: ['b'] });
      expect(changes[0]?.second).toBeLessThanOrEqual(2);
      expect(errors / calls).toBeLessThan(0.01);
    },
  );

  it('is let back once it has recovered, as one that has just started, and stays', () => {
    const fleet = makeReplicas(THREE);
    fleet.run({ seconds: 30, rate: 300, does: but({ b: fails }) });
    expect(fleet.aside(methodOf('no_side_effects'))).toEqual(['b']);
    expect(fleet.candidate('b').startedAt).toBe(Number.NEGATIVE_INFINITY);
    const { changes } = fleet.run({ seconds: 120, rate: 300, does: well });
    expect(changes.map(({ aside }) => aside)).toEqual([[]]);
    expect(fleet.candidate('b').startedAt).toBeGreaterThan(0);
  });

  it('is judged anew once it is back: one more fault is one', () => {
    const fleet = makeReplicas(THREE);
    let turn = 0;
    const everyOther: Behaviour = () => {
      turn += 1;
      return turn % 2 === 0 ? { ms: 5 } : { ms: 5, code: Status.INTERNAL };
    };
    fleet.run({ seconds: 2, rate: 300, does: but({ b: everyOther }) });
    const candidate = fleet.candidate('b');
    expect(candidate.setAside).toBe(true);
    for (let tries = 0; candidate.setAside && tries < 500; tries += 1)
      fleet.run({ seconds: 0.02, rate: 300, does: well });
    const error = new RpcError(Status.INTERNAL, 'once');
    fleet.pool.onBegin(candidate);
    fleet.pool.onEnd(candidate, { error, elapsedMs: 5, endedAt: fleet.now() });
    expect(candidate.setAside).toBe(false);
  });

  it('is not let back by an answer that tells nothing', () => {
    const fleet = makeReplicas(THREE);
    fleet.run({ seconds: 5, rate: 300, does: but({ b: fails }) });
    const sheds: Behaviour = () => ({ ms: 5, code: Status.RESOURCE_EXHAUSTED });
    expect(fleet.run({ seconds: 30, rate: 300, does: but({ b: sheds }) }).changes).toEqual([]);
    expect(fleet.run({ seconds: 3, rate: 300, does: well }).changes).toMatchObject([{ aside: [] }]);
  });

  it('is asked by one call at a time, after 2, 4, 8 … 60 s', () => {
    const fleet = makeReplicas(THREE);
    const asked: number[] = [];
    let calls = 0;
    const counting = (name: string) => {
      calls += 1;
      if (name === 'b') asked.push(calls / 100);
      return name === 'b' ? { ms: 900, code: Status.INTERNAL } : { ms: 5 };
    };
    fleet.run({ seconds: 300, rate: 100, does: counting });
    // While the first calls have no outcome yet, it gets every third.
    const waits = asked.map((second, index) => second - (asked[index - 1] ?? 0)).filter((wait) => wait > 1.5);
    const expected = [2, 4, 8, 16, 32, 60, 60, 60].map((wait, index) => (index === 0 ? wait : wait + 0.9));
    expect(waits.length).toBeGreaterThanOrEqual(6);
    for (const [index, wait] of waits.entries()) {
      const ratio = wait / (expected[index] ?? 60);
      expect(ratio).toBeGreaterThan(0.85);
      expect(ratio).toBeLessThan(1.15);
    }
  });
});

describe('an answer that the server is not to blame for', () => {
  const blameless = [
    Status.CANCELLED,
    Status.INVALID_ARGUMENT,
    Status.NOT_FOUND,
    Status.ALREADY_EXISTS,
    Status.PERMISSION_DENIED,
    Status.RESOURCE_EXHAUSTED,
    Status.FAILED_PRECONDITION,
    Status.ABORTED,
    Status.OUT_OF_RANGE,
    Status.UNAUTHENTICATED,
  ];
  it.each(blameless.map((code) => ({ code })))('never ejects, all calls of a minute with $code', ({ code }) => {
    const does = but({ b: () => ({ ms: 5, code }) });
    const { changes, shares } = makeReplicas(THREE).run({ seconds: 60, rate: 100, does });
    expect(changes).toEqual([]);
    expect(shares['b']).toBeCloseTo(1 / 3, 2);
  });

  it('counts for nothing between the faults of a replica if it says nothing of the server', () => {
    let calls = 0;
    const b: Behaviour = () => {
      calls += 1;
      return { ms: 5, code: calls % 4 === 0 ? Status.INTERNAL : Status.CANCELLED };
    };
    const { changes } = makeReplicas(THREE).run({ seconds: 10, rate: 300, does: but({ b }) });
    expect(changes[0]).toMatchObject({ aside: ['b'] });
  });
});

describe('where many fail', () => {
  it('at most half are ejected, rounded up, and never the last', () => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `i${index}`);
    const left = [2, 3, 4, 10].map((count) => {
      const fleet = makeReplicas(names(count));
      const capped = Math.min(count - 1, Math.ceil(count / 2));
      const sick = Object.fromEntries(names(capped).map((name) => [name, fails]));
      fleet.run({ seconds: 30, rate: 600, does: well });
      fleet.run({ seconds: 5, rate: 600, does: but(sick) });
      return fleet.aside(methodOf('no_side_effects')).length;
    });
    expect(left).toEqual([1, 2, 2, 5]);
  });

  it.each([30, 300])('all of them, calls go to all, none is left out: %d calls/s', (rate) => {
    const fleet = makeReplicas(THREE);
    fleet.run({ seconds: 30, rate, does: well });
    fleet.run({ seconds: 10, rate, does: fails });
    const { shares, changes } = fleet.run({ seconds: 60, rate, does: fails });
    expect(changes).toEqual([]);
    for (const name of THREE) expect(shares[name]).toBeCloseTo(1 / 3, 2);
    expect(fleet.pool.outliers.panic('/s.S/M')).toBe('most of its instances fail, so that calls go to all of them');
    expect(fleet.pool.outliers.panics).toEqual(['/s.S/M']);
    fleet.run({ seconds: 30, rate, does: well });
    expect(fleet.pool.outliers.panics).toEqual([]);
    expect(fleet.aside(methodOf('no_side_effects'))).toEqual([]);
  });

  it('and one recovers, that one gets the calls', () => {
    const fleet = makeReplicas(THREE);
    fleet.run({ seconds: 30, rate: 300, does: fails });
    const { changes } = fleet.run({ seconds: 30, rate: 300, does: but({ a: fails, b: fails }) });
    expect(changes.at(-1)?.aside).toEqual(['a', 'b']);
  });

  it('and one of those that take calls leaves, calls go to all that are there', () => {
    const fleet = makeReplicas(['a', 'b', 'c', 'd']);
    const does = but({ a: fails, b: fails });
    fleet.run({ seconds: 30, rate: 400, does: well });
    fleet.run({ seconds: 5, rate: 400, does });
    expect(fleet.share(4)).toEqual({ c: 2, d: 2 });
    fleet.at('c:1').move('transient_failure', 'refused');
    fleet.at('d:1').move('transient_failure', 'refused');
    expect(fleet.share(4)).toEqual({ a: 2, b: 2 });
    fleet.at('c:1').move('ready');
    expect(fleet.share(4)).toMatchObject({ c: expect.any(Number) });
    expect(fleet.aside(methodOf('no_side_effects'))).toEqual(['a', 'b']);
  });
});

describe('a replica that is 20 times slower', () => {
  it('is ejected within 10 s; then p99 is within twice of what it is without it', () => {
    const fleet = makeReplicas(THREE);
    const { times } = fleet.run({ seconds: 60, rate: 300, does: well });
    const { changes } = fleet.run({ seconds: 10, rate: 300, does: but({ b: slow }) });
    const after = fleet.run({ seconds: 60, rate: 300, does: but({ b: slow }) });
    expect(changes).toEqual([{ second: expect.any(Number), aside: ['b'] }]);
    expect(after.changes).toEqual([]);
    expect(quantile(after.times, 0.99)).toBeLessThanOrEqual(2 * quantile(times, 0.99));
  });

  it('is ejected within 10 s where its policy leaves it 5 % of 100 calls/s', () => {
    // Twenty calls' rate to each of the others, five to it: the pool's own policy is another, so it is fed by hand.
    const fleet = makeReplicas(THREE);
    const random = () => 0.4;
    fleet.run({ seconds: 60, rate: 100, does: well });
    const candidate = fleet.candidate('b');
    const end = (name: string, elapsedMs: number, endedAt: number) => {
      const one = fleet.candidate(name);
      fleet.pool.onBegin(one);
      fleet.pool.onEnd(one, { error: undefined, elapsedMs, endedAt });
    };
    const began = fleet.now();
    let ejectedAt = Number.POSITIVE_INFINITY;
    for (let call = 0; call < 1_000 && !candidate.setAside; call += 1) {
      fleet.passes(10);
      if (call % 20 === 0) end('b', slow('b', random).ms, fleet.now());
      else end(call % 2 === 0 ? 'a' : 'c', well('a', random).ms, fleet.now());
      if (candidate.setAside) ejectedAt = fleet.now() - began;
    }
    expect(ejectedAt).toBeLessThanOrEqual(10_000);
  });

  it('in one method keeps its share of the others', () => {
    const fleet = makeReplicas(THREE);
    const shares = [1, 2, 3, 4, 5, 6].map(() => {
      fleet.run({ seconds: 5, rate: 150, method: add, does: but({ b: slow }) });
      return fleet.run({ seconds: 5, rate: 150, method: sum, does: well }).shares['b'];
    });
    expect(fleet.aside(add)).toEqual(['b']);
    expect(fleet.subchannel('b').whyUnavailable(add.path)).toMatch(
      /^ejected for Add: [\d.]+ ms a call where [\d.]+ ms are usual, probed again /,
    );
    for (const share of shares) expect(share).toBeCloseTo(1 / 3, 2);
  });

  it('comes back when it is as quick as the others, and not while it is slow', () => {
    const fleet = makeReplicas(THREE);
    fleet.run({ seconds: 10, rate: 300, does: but({ b: slow }) });
    expect(fleet.run({ seconds: 120, rate: 300, does: but({ b: slow }) }).changes).toEqual([]);
    expect(fleet.run({ seconds: 70, rate: 300, does: well }).changes).toMatchObject([{ aside: [] }]);
  });

  it('is kept where it is far away, and where calls differ by who gets them', () => {
    const zones = ['eu/a', 'eu/b', 'eu/c', 'us/a'];
    const far = makeReplicas(zones.map((zone) => endpoint(zone, { zone })));
    expect(far.run({ seconds: 60, rate: 300, does: but({ 'us/a': slow }) }).changes).toEqual([]);
    const hashed = makeReplicas(THREE, { balancing: { ...DEFAULT_BALANCING, policy: 'ring_hash' } });
    expect(hashed.run({ seconds: 60, rate: 300, does: but({ b: slow }) }).changes).toEqual([]);
  });

  it('is never the reason that more than half are left out, nor that all are called', () => {
    const fleet = makeReplicas(['a', 'b', 'c', 'd', 'e']);
    fleet.run({ seconds: 30, rate: 500, does: but({ a: slow, b: slow }) });
    expect(fleet.aside(methodOf('no_side_effects'))).toEqual(['a', 'b']);
    const does = but({ a: slow, b: slow, c: fails, d: fails });
    fleet.run({ seconds: 5, rate: 500, does });
    expect(fleet.aside(methodOf('no_side_effects'))).toHaveLength(3);
    expect(fleet.aside(methodOf('no_side_effects'))).toEqual(expect.arrayContaining(['c', 'd']));
    expect(fleet.pool.outliers.panics).toEqual([]);
  });
});

describe('a replica that fails in one method', () => {
  it('is ejected for that one where another works, and for all where none is known to', () => {
    const fleet = makeReplicas(THREE);
    fleet.run({ seconds: 5, rate: 100, method: sum, does: well });
    fleet.run({ seconds: 3, rate: 100, method: add, does: but({ b: fails }) });
    expect([fleet.aside(add), fleet.aside(sum)]).toEqual([['b'], []]);
    expect(fleet.subchannel('b').whyUnavailable(add.path)).toMatch(
      /^ejected for Add: \d+ calls in a row failed \(INTERNAL: as told\), probed again (in \d s|now)$/,
    );
    expect(fleet.subchannel('b').whyUnavailable()).toBeUndefined();
    const other = makeReplicas(THREE);
    other.run({ seconds: 1.5, rate: 100, method: add, does: but({ b: fails }) });
    other.run({ seconds: 0.1, rate: 100, method: sum, does: well });
    expect([other.aside(add), other.aside(sum)]).toEqual([['b'], ['b']]);
    expect(other.subchannel('b').whyUnavailable()).toMatch(
      /^ejected: \d+ calls in a row failed \(INTERNAL: as told\), probed again /,
    );
    other.run({ seconds: 5, rate: 100, method: sum, does: well });
    expect(other.aside(sum)).toEqual([]);
  });
});

describe('a healthy fleet', () => {
  const noisy: Behaviour = (_name, random) => ({ ms: logNormal(random, 20, 1) });
  const failing =
    (share: number): Behaviour =>
    (_name, random) =>
      random() < share ? { ms: 5, code: Status.INTERNAL } : { ms: 5 };
  it.each([
    { what: 'times that vary widely', rate: 40, does: noisy },
    { what: 'times that vary widely', rate: 4, does: noisy },
    { what: 'one call in twenty failing everywhere', rate: 40, does: failing(0.05) },
    { what: 'one call in twenty failing everywhere', rate: 4, does: failing(0.05) },
    { what: 'every third call failing everywhere', rate: 30, does: failing(1 / 3) },
  ])('ejects no instance in ten minutes: $what, $rate calls/s', ({ rate, does }) => {
    const fleet = makeReplicas(THREE);
    expect(fleet.run({ seconds: 600, rate, does }).changes).toEqual([]);
    expect(fleet.pool.outliers.panics).toEqual([]);
  });
});

describe('a connection', () => {
  it('that breaks three times in 10 s takes its instance out; once, as at a restart, does not', () => {
    const fleet = makeReplicas(THREE);
    const restart = (name: string) => {
      fleet.at(`${name}:1`).move('connecting');
      fleet.passes(100);
      fleet.at(`${name}:1`).move('ready');
    };
    for (const name of THREE) {
      restart(name);
      fleet.run({ seconds: 1, rate: 30, does: well });
    }
    expect(fleet.share(9)).toEqual({ a: 3, b: 3, c: 3 });
    for (let times = 0; times < 2; times += 1) restart('b');
    expect(fleet.share(4)).toEqual({ a: 2, c: 2 });
    expect(fleet.subchannel('b').whyUnavailable()).toMatch(
      /^ejected: its connection broke 3 times in 10 s, probed again in [23] s$/,
    );
    fleet.run({ seconds: 14, rate: 30, does: well });
    expect(fleet.share(9)).toEqual({ a: 3, b: 3, c: 3 });
  });

  it('to another process in the same place is called again at once', () => {
    const fleet = makeReplicas(THREE);
    const endpoints = (incarnation: number) => THREE.map((name) => endpoint(name, { incarnation }));
    fleet.pool.onResolution({ endpoints: endpoints(1), departed: [] });
    fleet.run({ seconds: 5, rate: 300, does: but({ b: fails }) });
    expect(fleet.aside(methodOf('no_side_effects'))).toEqual(['b']);
    fleet.pool.onResolution({ endpoints: endpoints(2), departed: [] });
    expect(fleet.aside(methodOf('no_side_effects'))).toEqual([]);
  });
});
