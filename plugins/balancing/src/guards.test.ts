import { describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { ErrorInfo, RetryInfo } from '@rondo/contracts/google/rpc/error_details';
import { CallContext } from '@rondo/rpc/call';
import { type ChannelOptions, createChannel, staticResolver } from '@rondo/rpc/client';
import { DEFAULT_BREAKER, type Method, type Transport } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { emptyReply, fakeTransports } from '../../../packages/rpc/test/support/fake-transport.js';
import { methodOf } from '../../../packages/rpc/test/support/method.js';
import { failure } from '../../../packages/rpc/test/support/outcome.js';
import { recordingLogger } from '../../../packages/rpc/test/support/recording-logger.js';
import { wireCall } from '../../../packages/rpc/test/support/wire-call.js';
import { balancing as policies } from './exports/index.js';
import { guardPolicyOf } from './guards.js';

const away: Transport['call'] = async () => {
  throw new RpcError(Status.UNAVAILABLE, 'away', { origin: 'server' });
};
const well: Transport['call'] = async () => emptyReply;

/** Calls over a channel to instances whose answers the test sets. */
function makeChannel(options: Partial<ChannelOptions> = {}, policy: Partial<Method['policy']> = {}) {
  const clock = new ManualClock();
  const { factory, at } = fakeTransports();
  const { logger, lines } = recordingLogger();
  const addresses = ['a:1', 'b:1', 'c:1'];
  const channel = createChannel({
    resolver: staticResolver(addresses),
    transport: factory,
    policies,
    clock,
    wallClock: clock.wall,
    random: seededRandom(1),
    logger,
    ...options,
  });
  let received = 0;
  const answerWith = (handler: Transport['call'], of = addresses) => {
    for (const address of of) {
      at(address).call = (wire) => {
        received += 1;
        return handler(wire);
      };
    }
  };
  const known = methodOf('unknown');
  const method = { ...known, policy: { ...known.policy, timeoutMs: 1_000, ...policy } };
  const call = (context = new CallContext()) => channel.call(method, wireCall({ context }), { attempts: [] });
  /** Fails calls until the breaker is open. */
  const open = async () => {
    answerWith(away);
    for (let index = 0; index < 20; index += 1) await failure(call());
  };
  return { channel, clock, call, open, answerWith, lines, receivedCalls: () => received };
}

const breakers = { 's.S': {} };

describe('a channel with a breaker', () => {
  it('refuses calls while a dependency is dead, with the reason, since when and until when', async () => {
    const { clock, call, open, receivedCalls } = makeChannel({ breakers });
    await open();
    const before = receivedCalls();
    await clock.advance(100);
    const error = await failure(call());
    expect(receivedCalls()).toBe(before);
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, reach: 'unsent' });
    expect(error.message).toBe(
      'the breaker of s.S/M is open: 20 of 20 calls in 10 s failed, the last 20 in a row (the last: UNAVAILABLE: away); ' +
        'for 0.1 s, since 2026-01-01T00:00:00.000Z; the next call probes in 150 ms',
    );
    expect(error.detail(ErrorInfo)).toMatchObject({
      reason: 'BREAKER_OPEN',
      domain: 'rondo',
      metadata: { service: 's.S', method: 'M', openSince: '2026-01-01T00:00:00.000Z' },
    });
    expect(error.detail(RetryInfo)?.retryDelay).toEqual({ seconds: 0n, nanos: 150_000_000 });
  });

  it('sends one probe each 250 ms, although outlier detection is in panic, and closes within 2 s of the return', async () => {
    const { channel, clock, call, open, answerWith, receivedCalls, lines } = makeChannel({ breakers });
    await open();
    for (let index = 0; index < 20; index += 1) await failure(call());
    const before = receivedCalls();
    for (let elapsedMs = 0; elapsedMs < 2_000; elapsedMs += 10) {
      await clock.advance(10);
      await failure(call());
    }
    expect(receivedCalls() - before).toBe(8);
    expect(channel.inspect()[0]).toMatchObject({
      panics: ['/s.S/M'],
      guards: [{ path: '/s.S/M', breaker: { state: 'open', openings: 1 } }],
    });
    answerWith(well);
    const backAt = clock.now();
    let refused = 0;
    while (channel.inspect()[0]?.guards[0]?.breaker?.state !== 'closed') {
      await clock.advance(10);
      await call().catch(() => {
        refused += 1;
      });
    }
    expect(refused).toBeGreaterThan(0);
    expect(clock.now() - backAt).toBeLessThanOrEqual(3 * 250);
    expect(lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'warn the breaker of s.S/M has opened: 20 of 20 calls in 10 s failed, the last 20 in a row (the last: UNAVAILABLE: away)',
      'info the breaker of s.S/M is half open: a probe has succeeded',
      'info the breaker of s.S/M has closed: 3 probes in a row succeeded',
    ]);
  });

  it('stays closed if one instance of three is dead', async () => {
    const { channel, clock, call, answerWith } = makeChannel({ breakers });
    answerWith(well);
    answerWith(away, ['b:1']);
    for (let index = 0; index < 600; index += 1) {
      if (index % 10 === 0) await clock.advance(100);
      await call().catch(() => undefined);
    }
    expect(channel.inspect()[0]?.guards[0]?.breaker).toMatchObject({ state: 'closed', openings: 0 });
  });

  it('counts a deadline only if the call had time enough, and no call that its caller has left', async () => {
    const { channel, clock, call, answerWith } = makeChannel({ breakers });
    answerWith(({ context }) => new Promise((_, reject) => context.onEnd(() => reject(context.reason))));
    const counted = () => channel.inspect()[0]?.guards[0]?.breaker?.bad;
    for (const [timeoutMs, code] of [
      [100, Status.DEADLINE_EXCEEDED],
      [900, Status.CANCELLED],
      [900, Status.DEADLINE_EXCEEDED],
    ] as const) {
      expect(counted() ?? 0).toBe(0);
      const context = new CallContext();
      const failed = failure(call(context));
      await clock.advance(timeoutMs);
      context.end(new RpcError(code, 'ended'));
      await failed;
    }
    expect(counted()).toBe(1);
  });

  it('makes no guard for methods without one', async () => {
    const { channel, call, answerWith } = makeChannel({ breakers: { 's.S': {}, 's.S/M': 'off' } });
    answerWith(well);
    await call();
    expect(channel.inspect()[0]?.guards).toEqual([]);
  });
});

describe('a channel with a bulkhead', () => {
  const bulkheads = { 's.S': { maxCalls: 2, maxQueued: 1, queueTimeoutMs: 100 } };

  it('refuses what is beyond its calls and its queue, and says its bounds', async () => {
    const { channel, clock, call, answerWith, receivedCalls } = makeChannel({ bulkheads });
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    answerWith(async () => {
      await answered;
      return emptyReply;
    });
    const made = [call(), call()];
    const late = failure(call());
    expect(await failure(call())).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      message:
        'the bulkhead of s.S/M is full: 2 calls are in flight, of 2 (max_calls), and 1 more wait, and its queue takes 1 (max_queued)',
    });
    await clock.advance(100);
    const error = await late;
    expect(error.message).toContain('the call has waited for 100 ms in its queue (queue_timeout)');
    expect(error.detail(ErrorInfo)).toMatchObject({ reason: 'BULKHEAD_FULL', metadata: { maxCalls: '2' } });
    expect(receivedCalls()).toBe(2);
    answer();
    await Promise.all(made);
    expect(channel.inspect()[0]?.guards[0]?.bulkhead).toMatchObject({ inFlight: 0, queued: 0, refused: 2 });
  });

  it('gives no place to a call that an open breaker refuses', async () => {
    const { channel, call, open } = makeChannel({ breakers, bulkheads });
    await open();
    await failure(call());
    expect(channel.inspect()[0]?.guards[0]?.bulkhead).toMatchObject({ inFlight: 0, refused: 0 });
  });
});

describe('the settings of guards', () => {
  const method = methodOf('unknown', {
    policy: {
      timeoutMs: undefined,
      defaultTimeoutMs: undefined,
      idempotency: 'unknown',
      breaker: { ...DEFAULT_BREAKER, probes: 7 },
    },
  });

  it('override the contract field by field', () => {
    const breakerOf = (overrides: Parameters<typeof guardPolicyOf>[1]['breakers']) =>
      guardPolicyOf(method, { breakers: overrides, bulkheads: {} }).breaker;
    expect(breakerOf({})).toEqual({ ...DEFAULT_BREAKER, probes: 7 });
    expect(breakerOf({ '*': { minCalls: 5 } })).toEqual({ ...DEFAULT_BREAKER, probes: 7, minCalls: 5 });
    expect(breakerOf({ '*': { minCalls: 5 }, 's.S': 'off' })).toBeUndefined();
    expect(breakerOf({ 's.S': 'off', 's.S/M': {} })).toEqual({ ...DEFAULT_BREAKER, probes: 7 });
  });

  it('are checked', () => {
    expect(() =>
      createChannel({ resolver: staticResolver([]), breakers: { 'a.B': { probes: 0 } }, bulkheads: { 'a.B': {} } }),
    ).toThrow(
      'breakers: a.B.probes is 0; it must be a whole number from 1 to 100; ' +
        'bulkheads: a.B.max_calls is 0; it must be a whole number from 1 to 100000',
    );
  });
});
