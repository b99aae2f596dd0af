import { describe, expect, it } from '@jest/globals';
import { endpoint } from '../../test/support/endpoints.js';
import { emptyReply } from '../../test/support/fake-transport.js';
import { failure } from '../../test/support/outcome.js';
import { makeCalls, never, unknown, unsent } from '../../test/support/retried-calls.js';
import { collect, streamOf } from '../../test/support/stream.js';
import type { Reply } from '../call/call.js';
import { CallContext } from '../call/call-context.js';
import { Metadata } from '../call/metadata.js';
import type { Method } from '../contract/method.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { RouterError } from '../status/wire-errors.js';
import { RetryBudget } from './failure.js';

type Idempotency = Method['policy']['idempotency'];

describe('a call that never reached a handler', () => {
  it.each<Idempotency>(['unknown', 'idempotent', 'no_side_effects'])(
    'goes elsewhere, be it %s',
    async (idempotency) => {
      const { call, failFirst, asked, attempts } = makeCalls();
      failFirst(2, never);
      expect(await call(idempotency)).toMatchObject({ response: emptyReply.response });
      expect(new Set(asked).size).toBe(3);
      expect(attempts.map(({ code }) => code)).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'OK']);
    },
  );

  it('is retried with its request stream if no instance has read from it', async () => {
    const { call, at, answerWith } = makeCalls();
    for (const name of ['a', 'b']) at(`${name}:1`).move('transient_failure');
    const texts: Uint8Array[] = [];
    answerWith(async ({ request }) => {
      if (request.stream) texts.push(...(await collect(request.messages)));
      return emptyReply;
    });
    const messages = streamOf(Buffer.from('one'), Buffer.from('two'));
    await call('unknown', { request: { stream: true, messages } });
    expect(texts.map(String)).toEqual(['one', 'two']);
  });

  it('is made elsewhere although an instance got its request stream, unread', async () => {
    const { call, failFirst, asked } = makeCalls();
    failFirst(1, never);
    await call('unknown', { request: { stream: true, messages: streamOf(Buffer.from('one')) } });
    expect(asked).toHaveLength(2);
  });
});

describe('a call whose connection was given up as it left', () => {
  it('goes to the same instance once more, over its next connection, where there is no other', async () => {
    const { call, failFirst, asked, at, clock } = makeCalls();
    for (const name of ['b', 'c']) at(`${name}:1`).move('transient_failure');
    failFirst(1, never);
    const made = call('unknown');
    await clock.advance(19);
    expect(asked).toEqual(['a']); // it has just turned the call away
    await clock.advance(1);
    await made;
    expect(asked).toEqual(['a', 'a']);
    expect(clock.timers).toBe(0);
  });
});

describe('a call whose connection broke', () => {
  it.each<Idempotency>(['idempotent', 'no_side_effects'])(
    'goes elsewhere where its method is %s',
    async (idempotency) => {
      const { call, failFirst, asked } = makeCalls();
      failFirst(1, unknown);
      await call(idempotency);
      expect(new Set(asked).size).toBe(2);
    },
  );

  it('fails where its method may not be called twice', async () => {
    const { call, failFirst, asked } = makeCalls();
    failFirst(1, unknown);
    expect(await failure(call('unknown'))).toMatchObject({ code: Status.UNAVAILABLE, message: 'the connection broke' });
    expect(asked).toHaveLength(1);
  });

  it('fails where its request stream was begun', async () => {
    const { call, answerWith, asked } = makeCalls();
    answerWith(async ({ request }) => {
      if (request.stream) await request.messages[Symbol.asyncIterator]().next();
      throw never();
    });
    const request = { stream: true, messages: streamOf(new Uint8Array()) } as const;
    expect(await failure(call('idempotent', { request }))).toMatchObject({ message: 'the call was not taken' });
    expect(asked).toHaveLength(1);
  });

  it('fails where it breaks amid a response stream, and the report says so', async () => {
    const { call, answerWith, asked, attempts } = makeCalls();
    async function* messages() {
      yield new Uint8Array();
      throw unknown();
    }
    const reply: Reply<Uint8Array> = { ...emptyReply, response: { stream: true, messages: messages() } };
    answerWith(async () => reply);
    const { response } = await call('no_side_effects', { responseStream: true });
    expect(attempts.map(({ code }) => code)).toEqual(['PENDING']);
    if (!response.stream) throw new Error('a stream was asked for');
    expect(await failure(collect(response.messages))).toMatchObject({ message: 'the connection broke' });
    expect(asked).toHaveLength(1);
    expect(attempts.map(({ code }) => code)).toEqual(['UNAVAILABLE']);
  });
});

describe('a call that is refused', () => {
  const text = 'The server does not implement the method /s.S/M';
  const refused = (message = text) => new RpcError(Status.UNIMPLEMENTED, message);

  it.each<[Idempotency, string, number]>([
    ['no_side_effects', text, 2],
    ['no_side_effects', 'whatever it says', 2],
    ['unknown', text, 2],
    ['unknown', 'whatever it says', 1],
  ])('goes elsewhere where it is %s and the refusal is "%s": %i tries', async (idempotency, message, tries) => {
    const { call, failFirst, asked } = makeCalls();
    failFirst(1, () => refused(message));
    await call(idempotency).catch(() => undefined);
    expect(asked).toHaveLength(tries);
  });

  it('by all gets their word, at one try a call once that is known, and spends no budget on it', async () => {
    const { call, failFirst, asked, attempts } = makeCalls({ budget: new RetryBudget({ ratio: 0, reserve: 2 }) });
    failFirst(99, refused);
    for (let index = 0; index < 10; index += 1) {
      const expected = { code: Status.UNIMPLEMENTED, message: text };
      expect(await failure(call('no_side_effects'))).toMatchObject(expected);
    }
    expect(asked).toHaveLength(3 + 9);
    expect(attempts.every(({ code }) => code === 'UNIMPLEMENTED')).toBe(true);
  });

  it('by those that can be reached, while others are away, is UNAVAILABLE that says both', async () => {
    const { call, failFirst, at } = makeCalls();
    at('c:1').move('transient_failure', 'connection refused');
    failFirst(99, refused);
    const error = await failure(call('no_side_effects'));
    expect(error).toMatchObject({ code: Status.UNAVAILABLE });
    for (const reason of [`: a at a:1, b at b:1: ${text};`, 'c at c:1: connection refused']) {
      expect(error.message).toContain(reason);
    }
    const later = await failure(call('no_side_effects'));
    expect(later.message).toContain('c at c:1: connection refused');
  });
});

describe('a call that a router turned away before any handler', () => {
  it.each([Status.UNAVAILABLE, Status.RESOURCE_EXHAUSTED])('goes elsewhere, whatever the code: %s', async (code) => {
    const { call, failFirst, asked } = makeCalls();
    failFirst(1, () => new RouterError(code, 'not now', { handled: 'never' }));
    await call('unknown');
    expect(new Set(asked).size).toBe(2);
  });

  it('ends with its answer where all do', async () => {
    const { call, failFirst, asked } = makeCalls();
    failFirst(9, () => new RouterError(Status.UNAVAILABLE, 'draining', { handled: 'never' }));
    expect(await failure(call('unknown'))).toMatchObject({ code: Status.UNAVAILABLE, message: 'draining' });
    expect(asked).toHaveLength(3);
  });
});

describe('a call without a connected instance', () => {
  const connecting = () => {
    const calls = makeCalls({ byHand: true });
    calls.answerWith(async () => emptyReply);
    return calls;
  };

  it('goes to the first that is', async () => {
    const { call, at, asked, attempts } = connecting();
    const made = call('unknown');
    await Promise.resolve();
    expect(attempts.map(({ message }) => message)).toEqual(Array(3).fill('no connection yet'));
    at('a:1').move('transient_failure', 'connection refused');
    at('c:1').move('transient_failure', 'connection refused');
    at('b:1').move('ready');
    await made;
    expect(asked).toEqual(['b']);
    expect(attempts.at(-1)).toMatchObject({ instance: 'b', code: 'OK' });
    expect(attempts.filter(({ code }) => code === 'PENDING')).toEqual([]);
  });

  it('fails as soon as none can be, naming each', async () => {
    const { call, at, clock, asked } = connecting();
    const made = failure(call('unknown'));
    await Promise.resolve();
    for (const name of ['a', 'b', 'c']) at(`${name}:1`).move('transient_failure', 'connection refused');
    const { message } = await made;
    expect(message).toContain('can take the call: a at a:1, b at b:1, c at c:1: connection refused');
    expect(asked).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});

describe('the end of trying', () => {
  it('comes with the last instance: the error names each and why', async () => {
    const { call, failFirst, attempts, clock, at } = makeCalls();
    at('c:1').move('transient_failure', 'connection refused');
    failFirst(3, never);
    const made = failure(call('unknown'));
    await clock.advance(20);
    const error = await made;
    expect(error.code).toBe(Status.UNAVAILABLE);
    // The third try is the second of one of them.
    const tried = /can take the call: (?=.*a at a:1)(?=.*b at b:1).* \(2 tries\).*: the call was not taken; /;
    expect(error.message).toMatch(tried);
    expect(error.message).toMatch(/^no instance of s\.S .*; c at c:1: connection refused$/);
    expect(attempts).toHaveLength(3); // the last of them once more, over its next connection
    expect(attempts[0]).toMatchObject({
      address: expect.stringMatching(/^[ab]:1$/),
      code: 'UNAVAILABLE',
      elapsedMs: 0,
    });
    expect(clock.timers).toBe(0);
  });

  it.each([
    ['that may have been handled', unknown],
    ['that was sent', never],
  ])('comes with the budget, for a call %s', async (_name, error) => {
    const { call, failFirst, asked } = makeCalls({ budget: new RetryBudget({ ratio: 0, reserve: 1 }) });
    failFirst(3, error);
    await failure(call('idempotent'));
    expect(asked).toHaveLength(2);
  });

  it('does not come with the budget for a call that never left', async () => {
    const { call, failFirst, asked } = makeCalls({ budget: new RetryBudget({ ratio: 0, reserve: 0 }) });
    failFirst(2, unsent);
    await call('unknown');
    expect(asked).toHaveLength(3);
  });

  it('comes when the caller leaves', async () => {
    const { call, answerWith, asked } = makeCalls();
    const caller = new AbortController();
    answerWith(async () => {
      caller.abort(new RpcError(Status.CANCELLED, 'left'));
      throw never();
    });
    await failure(call('idempotent', { context: new CallContext({ parents: [caller.signal] }) }));
    expect(asked).toHaveLength(1);
  });

  it('comes before the first try where the caller has left while nothing was known', async () => {
    const { call, asked, failFirst } = makeCalls();
    failFirst(0, never);
    const context = new CallContext({ parents: [AbortSignal.abort(new RpcError(Status.CANCELLED, 'left'))] });
    expect(await failure(call('idempotent', { context }))).toMatchObject({ code: Status.CANCELLED });
    expect(asked).toEqual([]);
  });
});

describe('a call that asks for a version by its metadata', () => {
  const asking = (version: string) => ({ metadata: new Metadata({ 'rondo-version': version }) });
  const of = (name: string, version: string) => endpoint(name, { version });

  it('is told at once which versions there are, where none is of its own', async () => {
    const { pool, call, asked } = makeCalls();
    pool.onResolution({
      endpoints: [endpoint('a', { version: '2.0.0' }), endpoint('b', { version: '1.0.0' }), endpoint('c')],
      departed: [],
    });
    const { code, message } = await failure(call('no_side_effects', asking('3.0.0')));
    expect(code).toBe(Status.UNAVAILABLE);
    expect(message).toBe(
      'no instance of s.S of version 3.0.0 can take the call: the versions there are: 1.0.0, 2.0.0, and instances that say none',
    );
    expect(asked).toEqual([]);
  });

  it('says so if no instance has a version', async () => {
    const { pool, call } = makeCalls();
    pool.onResolution({ endpoints: [endpoint('a'), endpoint('b')], departed: [] });
    const { message } = await failure(call('no_side_effects', asking('3.0.0')));
    expect(message).toBe(
      'no instance of s.S of version 3.0.0 can take the call: no instance says its version (RONDO_VERSION)',
    );
  });

  it('is told each reason once, with the instances that it keeps the call from', async () => {
    const { pool, call, asked } = makeCalls();
    const draining = (name: string) => endpoint(name, { version: '1.0.0', state: 'draining' });
    pool.onResolution({ endpoints: [draining('a'), draining('b'), of('c', '2.0.0')], departed: [] });
    const { message } = await failure(call('no_side_effects', asking('1.0.0')));
    expect(message).toContain('can take the call: a at a:1, b at b:1: draining; the versions');
    expect(asked).toEqual([]);
  });
});
