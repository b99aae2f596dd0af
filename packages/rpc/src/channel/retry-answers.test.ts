import { describe, expect, it } from '@jest/globals';
import { endpoint } from '../../test/support/endpoints.js';
import { failure } from '../../test/support/outcome.js';
import { makeCalls, never, unknown } from '../../test/support/retried-calls.js';
import { DEFAULT_RETRY } from '../contract/retry-policy.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';

const answer = (code: Status = Status.UNAVAILABLE, retryPushbackMs?: number) =>
  new RpcError(code, 'the database is away', { origin: 'server', retryPushbackMs });

describe('a call that a server answered with UNAVAILABLE', () => {
  it.each(['idempotent', 'no_side_effects'] as const)('is retried at another instance if it is %s', async (level) => {
    const { call, failFirst, asked, attempts } = makeCalls();
    failFirst(1, answer);
    await call(level);
    expect(new Set(asked).size).toBe(2);
    expect(attempts.map(({ code }) => code)).toEqual(['UNAVAILABLE', 'OK']);
  });

  it('is not retried if it may have side effects', async () => {
    const { call, failFirst, asked } = makeCalls();
    failFirst(1, answer);
    expect(await failure(call('unknown'))).toMatchObject({ message: answer().message });
    expect(asked).toHaveLength(1);
  });

  it('has three attempts, and then the last error', async () => {
    const { call, answerWith, asked } = makeCalls({ instances: ['a', 'b', 'c', 'd', 'e'] });
    answerWith(async (_wire, name) => {
      throw new RpcError(Status.UNAVAILABLE, `${name} is away`);
    });
    expect(await failure(call('idempotent'))).toMatchObject({ message: `${asked.at(-1)} is away` });
    expect(asked).toHaveLength(3);
    expect(new Set(asked).size).toBe(3);
  });

  it('is not retried if the server asks for that, as one does that has retried by itself', async () => {
    const { call, failFirst, asked } = makeCalls();
    failFirst(1, () => answer(Status.UNAVAILABLE, -1));
    await failure(call('no_side_effects'));
    expect(asked).toHaveLength(1);
  });
});

describe('the codes of a contract', () => {
  it('are those after which a call is retried', async () => {
    const retry = { ...DEFAULT_RETRY, codes: new Set<number>([Status.ABORTED]) };
    for (const [code, tries] of [
      [Status.ABORTED, 2],
      [Status.UNAVAILABLE, 1],
    ] as const) {
      const { call, failFirst, asked } = makeCalls({ policy: { retry } });
      failFirst(1, () => answer(code));
      await call('idempotent').catch(() => undefined);
      expect(asked).toHaveLength(tries);
    }
  });
});

describe('the number of attempts', () => {
  it('is what the contract says, unless the caller says another', async () => {
    const retry = { ...DEFAULT_RETRY, maxAttempts: 2 };
    for (const [given, tries] of [
      [{}, 2],
      [{ maxAttempts: 1 }, 1],
      [{ maxAttempts: 4 }, 4],
    ] as const) {
      const { call, failFirst, asked } = makeCalls({ instances: ['a', 'b', 'c', 'd', 'e'], policy: { retry } });
      failFirst(9, unknown);
      await failure(call('idempotent', {}, given));
      expect(asked).toHaveLength(tries);
    }
  });

  it('leaves out those whose connection failed before the server could take the call', async () => {
    const { call, failFirst, asked } = makeCalls({ instances: ['a', 'b', 'c', 'd', 'e'] });
    failFirst(4, never);
    await call('unknown');
    expect(asked).toHaveLength(5);
  });

  it('is told to the server from the second one on', async () => {
    const { call, answerWith } = makeCalls();
    const attempts: (number | undefined)[] = [];
    answerWith(async ({ previousAttempts }) => {
      attempts.push(previousAttempts);
      throw answer();
    });
    await failure(call('idempotent'));
    expect(attempts).toEqual([undefined, 1, 2]);
  });
});

describe('the wait before a retry', () => {
  const backoff = { initialMs: 100, maxMs: 150 };
  const policy = { retry: { ...DEFAULT_RETRY, backoff } };
  const halfway = { next: () => 0.5, hex: () => '' };

  it('is random below a bound that doubles, up to the highest', async () => {
    const { call, failFirst, asked, clock } = makeCalls({ policy, random: halfway });
    failFirst(9, answer);
    const failed = failure(call('idempotent'));
    await clock.advance(49);
    expect(asked).toHaveLength(1);
    await clock.advance(1);
    expect(asked).toHaveLength(2);
    await clock.advance(74);
    expect(asked).toHaveLength(2);
    await clock.advance(1);
    expect(asked).toHaveLength(3);
    await failed;
    expect(clock.timers).toBe(0);
  });

  it('is what the server asks for', async () => {
    const { call, failFirst, asked, clock } = makeCalls({ policy, random: halfway });
    failFirst(1, () => answer(Status.UNAVAILABLE, 3_000));
    const made = call('idempotent');
    await clock.advance(2_999);
    expect(asked).toHaveLength(1);
    await clock.advance(1);
    await made;
    expect(asked).toHaveLength(2);
  });

  it.each([0, 1])('is over before an instance is picked: none that has begun to drain by then (%i)', async (index) => {
    const { call, failFirst, asked, clock, pool } = makeCalls({ instances: ['a', 'b', 'c'] });
    failFirst(1, () => answer(Status.UNAVAILABLE, 1_000));
    const made = call('idempotent');
    await clock.advance(500);
    const [first = ''] = asked;
    const others = ['a', 'b', 'c'].filter((name) => name !== first);
    const [draining = '', other = ''] = index === 0 ? others : others.toReversed();
    const endpoints = [endpoint(first), endpoint(draining, { state: 'draining' }), endpoint(other)];
    pool.onResolution({ endpoints, departed: [] });
    await clock.advance(500);
    await made;
    expect(asked).toEqual([first, other]);
  });

  it.each([
    ['would not end before the deadline', 3_000, 2_000],
    ['is over a minute', 60_001, undefined],
  ])('is not begun if it %s: the call fails at once', async (_name, pushbackMs, deadline) => {
    const { call, failFirst, asked, clock } = makeCalls({ policy });
    failFirst(1, () => answer(Status.UNAVAILABLE, pushbackMs));
    expect(await failure(call('idempotent', { deadline }))).toMatchObject({ message: answer().message });
    expect(asked).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });
});
