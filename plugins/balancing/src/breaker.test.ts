import { describe, expect, it } from '@jest/globals';
import { DEFAULT_BREAKER } from '@rondo/rpc/internal';
import { Breaker, PROBE_INTERVAL_MS } from './breaker.js';
import type { BreakerPolicy, BreakerView } from './channel-types.js';

/** A breaker at a time that the test sets. */
function makeBreaker(policy: Partial<BreakerPolicy> = {}, { inPanic = false } = {}) {
  const states: BreakerView['state'][] = [];
  let now = 1_000;
  const breaker = new Breaker({
    policy: { ...DEFAULT_BREAKER, ...policy },
    now,
    inPanic: () => inPanic,
    onChange: ({ state }) => states.push(state),
  });
  const pass = (ms: number) => {
    now += ms;
  };
  const begin = () => breaker.begin(now);
  const end = (call: ReturnType<typeof begin>, verdict: 'good' | 'bad' | 'neutral') => {
    if (call === undefined) throw new Error('the breaker refused the call');
    breaker.end(call, verdict, { now, lastError: 'UNAVAILABLE: away' });
  };
  const calls = (verdicts: readonly ('good' | 'bad' | 'neutral')[]) => {
    for (const verdict of verdicts) end(begin(), verdict);
  };
  return { breaker, states, pass, begin, end, calls };
}

const many = <V>(count: number, verdict: V): V[] => Array.from({ length: count }, () => verdict);

/** A breaker that has just opened. */
function makeOpen(policy: Partial<BreakerPolicy> = {}) {
  const made = makeBreaker(policy);
  made.calls(many(policy.minCalls ?? DEFAULT_BREAKER.minCalls, 'bad' as const));
  expect(made.breaker.state).toBe('open');
  return made;
}

describe('a closed breaker', () => {
  it('opens when the share of bad calls is reached', () => {
    const { breaker, calls } = makeBreaker();
    calls([...many(20, 'good' as const), ...many(19, 'bad' as const)]);
    expect(breaker.state).toBe('closed');
    calls(['bad']);
    expect(breaker.state).toBe('open');
    expect(breaker.reason).toBe('20 of 40 calls in 10 s failed, the last 20 in a row (the last: UNAVAILABLE: away)');
  });

  it('stays closed below the minimum of calls, and below the share', () => {
    const { breaker, calls } = makeBreaker();
    calls(many(19, 'bad' as const));
    expect(breaker.state).toBe('closed');
    const other = makeBreaker();
    for (let round = 0; round < 100; round += 1) other.calls(['good', 'bad', 'good']);
    expect(other.breaker.state).toBe('closed');
  });

  it('opens after as many bad calls in a row as the minimum, however many good ones were before', () => {
    const { breaker, calls } = makeBreaker();
    calls(many(100_000, 'good' as const));
    calls(many(19, 'bad' as const));
    expect(breaker.state).toBe('closed');
    calls(['bad']);
    expect(breaker.state).toBe('open');
  });

  it('counts no neutral call', () => {
    const { breaker, calls } = makeBreaker();
    calls([...many(19, 'bad' as const), ...many(100, 'neutral' as const)]);
    expect(breaker).toMatchObject({ state: 'closed', calls: 19 });
  });

  it('forgets calls that are older than the window', () => {
    const { breaker, calls, pass } = makeBreaker({ windowMs: 1_000 });
    calls(many(19, 'bad' as const));
    pass(1_050);
    calls(many(19, 'bad' as const));
    expect(breaker).toMatchObject({ state: 'closed', calls: 19, bad: 19 });
  });

  it('opens on slow calls, answered or not', () => {
    const { breaker, begin, end, pass } = makeBreaker({ slowCallMs: 100, minCalls: 4 });
    const answered = [begin(), begin()];
    pass(100);
    for (const call of answered) end(call, 'good');
    const frozen = [begin(), begin()];
    pass(99);
    expect(breaker.refuses(breaker.openedAt)).toBe(false);
    pass(1);
    expect(begin()).toBeUndefined();
    expect(breaker.reason).toBe(
      '4 of 4 calls in 10 s failed or took 100 ms or more, the last 4 in a row (the last: no answer yet)',
    );
    for (const call of frozen) end(call, 'good');
    expect(breaker).toMatchObject({ state: 'open', succeeded: 0 });
  });

  it('needs fewer calls while most instances fail', () => {
    const { breaker, calls } = makeBreaker({}, { inPanic: true });
    calls(many(4, 'bad' as const));
    expect(breaker.state).toBe('closed');
    calls(['bad']);
    expect(breaker.state).toBe('open');
  });
});

describe('an open breaker', () => {
  it('closes after three probes in a row, and counts anew', () => {
    const { breaker, states, pass, calls } = makeOpen();
    for (let probe = 0; probe < 3; probe += 1) {
      pass(PROBE_INTERVAL_MS);
      calls(['good']);
    }
    expect(states).toEqual(['open', 'half_open', 'closed']);
    expect(breaker).toMatchObject({ calls: 0, openings: 1 });
    calls(many(19, 'bad' as const));
    expect(breaker.state).toBe('closed');
  });

  it('stays open if a probe fails or is slow', () => {
    const { breaker, states, pass, calls, begin, end } = makeOpen({ slowCallMs: 100 });
    pass(PROBE_INTERVAL_MS);
    calls(['good']);
    pass(PROBE_INTERVAL_MS);
    calls(['bad']);
    expect(states).toEqual(['open', 'half_open', 'open']);
    pass(PROBE_INTERVAL_MS);
    const slow = begin();
    pass(100);
    end(slow, 'good');
    expect(breaker).toMatchObject({ state: 'open', succeeded: 0, openings: 1 });
  });

  it('ignores the ends of calls from before it opened', () => {
    const { breaker, begin, end, pass, calls } = makeBreaker();
    const early = many(5, undefined).map(begin);
    calls(many(20, 'bad' as const));
    pass(PROBE_INTERVAL_MS);
    for (const call of early) end(call, 'good');
    expect(breaker).toMatchObject({ state: 'open', succeeded: 0 });
  });
});
