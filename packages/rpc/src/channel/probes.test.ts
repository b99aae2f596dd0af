import { describe, expect, it } from '@jest/globals';
import { resolution } from '../../test/support/endpoints.js';
import { emptyReply } from '../../test/support/fake-transport.js';
import { methodOf } from '../../test/support/method.js';
import { failure } from '../../test/support/outcome.js';
import { makePool } from '../../test/support/pool.js';
import { noWaits } from '../../test/support/retried-calls.js';
import { streamOf } from '../../test/support/stream.js';
import { wireCall } from '../../test/support/wire-call.js';
import type { Reply } from '../call/call.js';
import { CallContext } from '../call/call-context.js';
import type { Method } from '../contract/method.js';
import { Status } from '../status/code.js';
import { type Attempt, RpcError } from '../status/rpc-error.js';
import { RouterError, TransportError } from '../status/wire-errors.js';
import type { WireCall, WireHandler } from '../transport/transport.js';
import { RetryBudget } from './failure.js';
import { callWithRetries } from './retry.js';

const internal = () => Promise.reject(new RpcError(Status.INTERNAL, 'a bug'));
const answer: WireHandler = async () => emptyReply;

/** Three instances that answer after 5 ms, and what `b` does instead. */
function start() {
  const made = makePool();
  const { pool, at, clock } = made;
  pool.onResolution(resolution('a', 'b', 'c'));
  const budget = new RetryBudget({ clock });
  const answers = (name: string, handler: WireHandler, ms = 5) => {
    at(`${name}:1`).call = async (wire) => {
      await clock.advance(ms);
      return handler(wire);
    };
  };
  for (const name of ['a', 'b', 'c']) answers(name, answer);
  const attempts: Attempt[] = [];
  const call = async (method: Method = methodOf('no_side_effects'), wire: Partial<WireCall> = {}) => {
    attempts.length = 0;
    return callWithRetries(method, wireCall(wire), { pool, budget, clock, random: noWaits, attempts });
  };
  const calls = async (times: number, method?: Method, wire: () => Partial<WireCall> = () => ({})) => {
    for (let left = times; left > 0; left -= 1) await call(method, wire()).catch(() => undefined);
  };
  return { ...made, answers, attempts, call, calls };
}

describe('a call that probes an ejected instance', () => {
  it.each(['no_side_effects', 'idempotent'] as const)('goes elsewhere where that fails and it is %s', async (kind) => {
    const { answers, calls, call, attempts, clock, candidate } = start();
    const method = methodOf(kind);
    answers('b', internal);
    await calls(60, method);
    expect(candidate('b').setAside).toBe(true);
    await clock.advance(60_000);
    await call(method);
    expect(attempts.map(({ instance, code }) => `${instance} ${code}`)).toEqual([
      'b INTERNAL',
      expect.stringMatching(/^[ac] OK$/),
    ]);
    await call(method);
    expect(attempts).toHaveLength(1);
  });

  it('fails with it where it may not be made twice', async () => {
    const { answers, calls, call, clock } = start();
    const method = methodOf('unknown');
    answers('b', internal);
    await calls(60, method);
    await clock.advance(60_000);
    expect(await failure(call(method))).toMatchObject({ code: Status.INTERNAL, message: 'a bug' });
  });

  it('is one that can be made twice, where there are such, for a second', async () => {
    const { answers, calls, pick, clock, candidate } = start();
    const unsafe = methodOf('unknown', { path: '/s.S/Unsafe' });
    answers('b', internal);
    await calls(27);
    expect(candidate('b', unsafe).setAside).toBe(true);
    const { ejection } = candidate('b').subchannel;
    while (ejection.describe(clock.now()).endsWith(' s')) await clock.advance(100);
    expect([pick(unsafe), pick(unsafe), pick(unsafe)]).not.toContain('b');
    expect(pick()).toBe('b');
    expect(pick()).not.toBe('b');
  });

  it('has its outcome as soon as the stream that answers it begins', async () => {
    const { answers, calls, call, clock, candidate } = start();
    const method = methodOf('no_side_effects', { responseStream: true });
    answers('b', internal);
    await calls(60, method, () => ({ responseStream: true }));
    expect(candidate('b').setAside).toBe(true);
    const begun: Reply<Uint8Array> = { ...emptyReply, response: { stream: true, messages: streamOf() } };
    answers('b', async () => begun);
    await clock.advance(60_000);
    expect(await call(method, { responseStream: true })).toMatchObject({ header: emptyReply.header });
    expect(candidate('b').setAside).toBe(false);
  });

  it('and its reason are in the error of a call that no other instance can take', async () => {
    const { answers, calls, call, at, pool } = start();
    answers('b', internal);
    await calls(60);
    for (const name of ['a', 'c']) at(`${name}:1`).move('transient_failure', 'refused');
    expect(pool.instances.all.map((subchannel) => subchannel.whyUnavailable('/s.S/M'))).toEqual([
      'refused',
      expect.stringMatching(/^ejected: \d+ calls in a row failed \(INTERNAL: a bug\), probed again in [12] s$/),
      'refused',
    ]);
    expect(await failure(call())).toMatchObject({ code: Status.INTERNAL, message: 'a bug' });
  });
});

describe('a try counts against its instance', () => {
  /** Ends with `reason` while the instance is mute; then the stream is reset. */
  const mute = (reason: Status, contexts: CallContext[]): WireHandler => {
    return () => {
      contexts.at(-1)?.end(new RpcError(reason, 'over'));
      return Promise.reject(new RpcError(Status.CANCELLED, 'the caller left'));
    };
  };
  const limited = (contexts: CallContext[], deadline?: number) => () => {
    const context = new CallContext();
    contexts.push(context);
    return { context, deadline };
  };

  it('where its deadline passed after a time that is long for the method', async () => {
    const { answers, calls, candidate } = start();
    const contexts: CallContext[] = [];
    await calls(60);
    answers('b', mute(Status.DEADLINE_EXCEEDED, contexts), 200);
    await calls(40, undefined, limited(contexts));
    expect(candidate('b').setAside).toBe(true);
  });

  it('but not for the time after the deadline, nor where its caller left', async () => {
    for (const reason of [Status.DEADLINE_EXCEEDED, Status.CANCELLED]) {
      const { answers, calls, candidate, clock } = start();
      const contexts: CallContext[] = [];
      await calls(60);
      answers('b', mute(reason, contexts), 200);
      for (let times = 0; times < 60; times += 1) {
        const deadline = reason === Status.CANCELLED ? undefined : clock.now() + 8;
        await calls(1, undefined, limited(contexts, deadline));
      }
      expect(candidate('b').setAside).toBe(false);
    }
  });

  it.each([
    { what: 'where the server breaks it off', state: 'ready', reach: 'unknown', counts: true },
    { what: 'but not where its connection broke', state: 'transient_failure', reach: 'unknown', counts: false },
    { what: 'nor where it was not taken', state: 'ready', reach: 'never', counts: false },
  ] as const)('$what', async ({ state, reach, counts }) => {
    const { answers, calls, candidate, at } = start();
    const method = methodOf('unknown');
    await calls(60, method);
    answers('b', () => {
      at('b:1').state = state;
      return Promise.reject(new TransportError(Status.INTERNAL, 'broken off', { reach }));
    });
    for (let times = 0; times < 20; times += 1) {
      await calls(3, method);
      at('b:1').state = 'ready';
    }
    expect(candidate('b').setAside).toBe(counts);
  });
});

describe('an instance that refuses a method', () => {
  const unserved = () => Promise.reject(new RouterError(Status.UNIMPLEMENTED, 'no such method', { handled: 'never' }));
  const missing = () => Promise.reject(new RpcError(Status.NOT_FOUND, 'no such book'));

  it.each([
    ['with a reply', answer],
    ['with an error of its handler', missing],
  ])('gets the calls of another that it has answered %s', async (_how, other) => {
    const { answers, calls, candidate } = start();
    const method = methodOf('no_side_effects', { path: '/s.S/New' });
    answers('b', other);
    await calls(6);
    answers('b', unserved);
    await calls(6, method);
    expect(candidate('b', method).setAside).toBe(true);
    expect(candidate('b').setAside).toBe(false);
  });

  it('gets its calls again once it has answered one', async () => {
    const { answers, calls, candidate, clock } = start();
    answers('b', unserved);
    await calls(6);
    expect(candidate('b').setAside).toBe(true);
    answers('b', answer);
    await clock.advance(1_000);
    await calls(6);
    expect(candidate('b').setAside).toBe(false);
  });
});
