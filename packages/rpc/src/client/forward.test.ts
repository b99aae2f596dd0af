import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import {
  BidiStreamRequest,
  BidiStreamResponse,
  ClientStreamRequest,
  ClientStreamResponse,
  ConformanceServiceDefinition,
  FollowRequest,
  FollowResponse,
  ServerStreamRequest,
  ServerStreamResponse,
  UnaryRequest,
  UnaryResponse,
} from '@rondo/contracts/rondo/conformance/v1/conformance';
import { closersOfATest } from '../../test/support/closers.js';
import { makeFleet } from '../../test/support/fleet.js';
import { makeFollowers } from '../../test/support/followers.js';
import { failure } from '../../test/support/outcome.js';
import { connect } from '../../test/support/service.js';
import { collect, streamOf } from '../../test/support/stream.js';
import type { Payload } from '../call/call.js';
import { CallContext, cancelled } from '../call/call-context.js';
import type { ClientCall } from '../call/client-call.js';
import { Metadata } from '../call/metadata.js';
import { receivedTraceId } from '../call/trace.js';
import type { Channel } from '../channel/channel.js';
import { type Method, methodsOf } from '../contract/method.js';
import type { Middleware } from '../middleware/middleware.js';
import type { Endpoint } from '../resolver/resolver.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { createForwarder, type ForwardedReply } from './forward.js';
import type { ForwardedCall } from './forward-context.js';

function methodNamed(name: string): Method {
  const method = methodsOf(ConformanceServiceDefinition).get(name);
  if (method === undefined) throw new Error(`no method is named ${name}`);
  return method;
}

const one = (message: Uint8Array): Payload<Uint8Array> => ({ stream: false, message });
const unary = (text: string) => one(UnaryRequest.encode(UnaryRequest.fromPartial({ text })).finish());

function callOf(fields: Partial<ForwardedCall> = {}): ForwardedCall {
  return {
    method: methodNamed('unary'),
    metadata: new Metadata(),
    context: new CallContext(),
    request: unary('hello'),
    ...fields,
  };
}

function single({ response }: ForwardedReply): Uint8Array {
  if (response.stream) throw new Error('it is a stream');
  return response.message;
}

function many({ response }: ForwardedReply): AsyncIterable<Uint8Array> {
  if (!response.stream) throw new Error('it is one message');
  return response.messages;
}

const closers = closersOfATest();

/** A channel to the conformance service, which is closed with its test. */
function open(...args: Parameters<typeof connect>): Channel {
  const { channel } = connect(...args);
  closers.push(() => channel.close());
  return channel;
}

/** The channel, whose calls `onCall` sees. */
const watched = (channel: Channel, onCall: (...args: Parameters<Channel['call']>) => void): Channel =>
  Object.create(channel, {
    call: {
      value: (...args: Parameters<Channel['call']>) => {
        onCall(...args);
        return channel.call(...args);
      },
    },
  });

const textOf = (reply: ForwardedReply) => UnaryResponse.decode(single(reply)).text;

describe('a forwarded call', () => {
  it('carries the message, the metadata and the trailer as they are, and says which instance answered', async () => {
    const channel = open({
      unary: ({ text }, { metadata, header, trailer }) => {
        header.set('seen', metadata.get('tenant') ?? '');
        trailer.set('state-bin', metadata.getBytes('state-bin') ?? Buffer.alloc(0));
        return { text: `${text}!` };
      },
    });
    const entries = new Map([
      ['tenant', ['acme']],
      ['state-bin', [Buffer.from([0, 255])]],
      ['te', ['trailers']],
      ['grpc-timeout', ['1m']],
      ['host', ['front']],
    ]);
    const metadata = Metadata.over({
      getAll: (key) => entries.get(key) ?? [],
      forEach(visit) {
        for (const [key, values] of entries) for (const value of values) visit(key, value);
      },
    });
    const reply = await createForwarder(channel)(callOf({ metadata }));
    expect(textOf(reply)).toBe('hello!');
    expect(reply.header.get('seen')).toBe('acme');
    expect(reply.trailer.getBytes('state-bin')).toEqual(Buffer.from([0, 255]));
    expect(reply.from.address).toBe('memory');
  });

  it('runs the middleware of its channel, which sees the method, the trace and the attempts', async () => {
    const seen: unknown[] = [];
    const channel = open();
    const watching: Middleware<ClientCall> = async (call, next) => {
      // A middleware may pass a changed copy on.
      const reply = await next({ ...call });
      seen.push([call.method.name, call.traceId, call.attempts.length, receivedTraceId(call.metadata)]);
      return reply;
    };
    const traced: Channel = Object.create(channel, { middleware: { value: [watching] } });
    const traceId = 'ab'.repeat(16);
    const metadata = new Metadata({ traceparent: `00-${traceId}-${'cd'.repeat(8)}-01` });
    await createForwarder(traced)(callOf({ metadata }));
    await createForwarder(traced)(callOf());
    expect(seen).toEqual([
      ['Unary', traceId, 1, traceId],
      ['Unary', expect.stringMatching(/^[0-9a-f]{32}$/), 1, expect.stringMatching(/^[0-9a-f]{32}$/)],
    ]);
  });

  it.each([
    [{ timeoutMs: 3_000 }, 3_000],
    [{ timeoutMs: 3_000, limitMs: 1_000 }, 3_000],
    [{ limitMs: 1_000 }, undefined],
    [{}, undefined],
  ])('sends the deadline of its caller and no other: %j', async (limits, sentMs) => {
    const clock = new ManualClock();
    const channel = open(
      {
        unary: (_request, { callerDeadline }) => ({ text: String(callerDeadline !== undefined) }),
      },
      { clock },
    );
    const deadlines: (number | undefined)[] = [];
    const spied = watched(channel, (_method, { deadline }) => {
      deadlines.push(deadline === undefined ? undefined : deadline - clock.now());
    });
    expect(textOf(await createForwarder(spied)(callOf(limits)))).toBe(String(sentMs !== undefined));
    expect(deadlines).toEqual([sentMs]);
    expect(clock.timers).toBe(0);
  });

  it('ends here at its limit, and at the deadline of its caller', async () => {
    const clock = new ManualClock();
    const channel = open({ unary: () => new Promise(() => undefined) }, { clock });
    const forward = createForwarder(channel);
    for (const limits of [{ limitMs: 500 }, { timeoutMs: 500 }, { timeoutMs: 900, limitMs: 500 }]) {
      const outcome = failure(forward(callOf({ method: withoutTimeout(methodNamed('unary')), ...limits })));
      await clock.advance(500);
      expect(await outcome).toMatchObject({ code: Status.DEADLINE_EXCEEDED, origin: 'client' });
    }
  });

  it('rejects with a server error as it is, or with what happened here: the origin says which', async () => {
    const channel = open({
      unary: () =>
        Promise.reject(new RpcError(Status.NOT_FOUND, 'no such thing', { metadata: new Metadata({ a: 'b' }) })),
    });
    const forward = createForwarder(channel);
    const refused = await failure(forward(callOf()));
    expect(refused).toMatchObject({ code: Status.NOT_FOUND, message: 'no such thing', origin: 'server' });
    expect(refused.metadata.get('a')).toBe('b');
    expect(refused.report?.attempts).toHaveLength(1);
    channel.close();
    expect(await failure(forward(callOf()))).toMatchObject({ code: Status.UNAVAILABLE, origin: 'client' });
  });

  it('is cancelled with the reason of its context, before and while it runs', async () => {
    let ended = false;
    const channel = open({
      unary: (_request, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            ended = true;
            reject(signal.reason);
          });
          context.end(cancelled('left'));
        }),
    });
    const context = new CallContext();
    const forward = createForwarder(channel);
    const error = await failure(forward(callOf({ context })));
    expect(error).toBe(context.reason);
    expect(ended).toBe(true);
    expect(await failure(forward(callOf({ context })))).toBe(context.reason);
  });

  it('refuses metadata that can not be sent, with the key', async () => {
    const channel = open();
    const metadata = Metadata.over({ getAll: () => ['a\nb'], forEach: (visit) => visit('tenant', 'a\nb') });
    const error = await failure(createForwarder(channel)(callOf({ metadata })));
    expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, message: expect.stringContaining('"tenant"') });
  });
});

/** The method without the timeout of its contract, which the server would enforce. */
function withoutTimeout(method: Method): Method {
  return { ...method, policy: { ...method.policy, timeoutMs: undefined } };
}

describe('a request that depends on the instance', () => {
  /** Forwards calls to instances of which only some can take the request. */
  function forwardTo(names: readonly string[], takes: (to: Endpoint) => boolean) {
    const fleet = makeFleet(names);
    closers.push(() => fleet.channel.close());
    const asked: string[] = [];
    const request = (to: Endpoint) => {
      asked.push(to.instanceId);
      return takes(to) ? unary(`for ${to.instanceId}`) : undefined;
    };
    const call = () => fleet.settled(createForwarder(fleet.channel)(callOf({ request })));
    return { ...fleet, asked, call };
  }

  it('is encoded for the instance that gets it, and other instances are passed over without an attempt', async () => {
    const { call, asked, begun } = forwardTo(['a', 'b', 'c'], ({ instanceId }) => instanceId === 'c');
    // More calls than the retry budget would pay for.
    for (let count = 0; count < 60; count += 1) {
      const reply = await call();
      expect(textOf(reply)).toBe('for c by c');
      expect(reply.from.instanceId).toBe('c');
    }
    expect(new Set(asked)).toEqual(new Set(['a', 'b', 'c']));
    expect(new Set(begun.map(({ instance }) => instance))).toEqual(new Set(['c']));
  });

  it('fails if no instance can take it, and says so', async () => {
    const { call, asked } = forwardTo(['a', 'b'], () => false);
    const error = await failure(call());
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, origin: 'client' });
    expect(error.message).toContain('its version of the contract has no such request');
    expect(error.report?.attempts).toEqual([]);
    expect(asked.toSorted()).toEqual(['a', 'b']);
  });

  it('fails with the very error of its encoding', async () => {
    const channel = open();
    const fault = new RpcError(Status.INVALID_ARGUMENT, 'text: must be a string');
    const request = () => {
      throw fault;
    };
    expect(await failure(createForwarder(channel)(callOf({ request })))).toBe(fault);
  });
});

describe('a forwarded stream', () => {
  it('passes messages in both directions', async () => {
    const channel = open();
    const forward = createForwarder(channel);
    const texts = [...'abc'].map((text) => ClientStreamRequest.encode({ text, behaviour: undefined }).finish());
    const collected = await forward(
      callOf({ method: methodNamed('clientStream'), request: { stream: true, messages: streamOf(...texts) } }),
    );
    expect(ClientStreamResponse.decode(single(collected)).texts).toEqual(['a', 'b', 'c']);
    const request = ServerStreamRequest.encode(ServerStreamRequest.fromPartial({ count: 3 })).finish();
    const counted = await forward(callOf({ method: methodNamed('serverStream'), request: one(request) }));
    const replies = await collect(many(counted));
    expect(replies.map((bytes) => ServerStreamResponse.decode(bytes).index)).toEqual([0, 1, 2]);
    const lines = ['x', 'y'].map((text) => BidiStreamRequest.encode({ text, behaviour: undefined }).finish());
    const echoed = await forward(
      callOf({ method: methodNamed('bidiStream'), request: { stream: true, messages: streamOf(...lines) } }),
    );
    expect((await collect(many(echoed))).map((bytes) => BidiStreamResponse.decode(bytes).text)).toEqual(['x', 'y']);
  });

  it('ends with the very error of its request stream', async () => {
    const channel = open();
    const fault = new RpcError(Status.RESOURCE_EXHAUSTED, 'a message is larger than 4 MiB');
    async function* messages(): AsyncGenerator<Uint8Array> {
      yield ClientStreamRequest.encode({ text: 'a', behaviour: undefined }).finish();
      throw fault;
    }
    const call = callOf({ method: methodNamed('clientStream'), request: { stream: true, messages: messages() } });
    expect(await failure(createForwarder(channel)(call))).toBe(fault);
  });

  it('closes the request stream when the call ends, and the server when its reader leaves', async () => {
    const left: string[] = [];
    const channel = open({
      async *serverStream() {
        try {
          for (let index = 0; ; index += 1) yield { index };
        } finally {
          left.push('server');
        }
      },
      async clientStream(requests) {
        for await (const _ of requests) throw new RpcError(Status.ABORTED, 'enough');
        return {};
      },
    });
    const forward = createForwarder(channel);
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array();
      } finally {
        left.push('requests');
      }
    }
    const request: Payload<Uint8Array> = { stream: true, messages: endless() };
    await failure(forward(callOf({ method: methodNamed('clientStream'), request })));
    const messages = many(await forward(callOf({ method: methodNamed('serverStream') })))[Symbol.asyncIterator]();
    await messages.next();
    await messages.return?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(left).toEqual(['requests', 'server']);
  });
});

describe('a forwarded stream whose contract says how it is resumed', () => {
  const away = () => new RpcError(Status.UNAVAILABLE, 'this instance is shutting down');
  const request = FollowRequest.encode(FollowRequest.fromPartial({ count: 9 })).finish();

  /** Each instance sends three replies of a stream, and then breaks it. */
  function followers() {
    const made = makeFollowers(['a', 'b'], function* part({ resumeToken, count }) {
      const from = Number(resumeToken);
      for (let index = from; index < Math.min(from + 3, count); index += 1)
        yield { index, resumeToken: `${index + 1}` };
      if (from + 3 < count) throw away();
    });
    closers.push(() => made.channel.close());
    return made;
  }

  const indexes = (replies: readonly Uint8Array[]) => replies.map((bytes) => FollowResponse.decode(bytes).index);

  it('goes on at another instance without loss and without duplicates, and says which one it is', async () => {
    const { channel, settled, asked } = followers();
    const method = { ...methodNamed('follow'), policyFields: { resume: { request: 2, response: 2 } } };
    const reply = await settled(createForwarder(channel)(callOf({ method, request: one(request) })));
    const replies: Uint8Array[] = [];
    const senders: string[] = [];
    const read = async () => {
      for await (const message of many(reply)) {
        replies.push(message);
        senders.push(reply.from.instanceId);
      }
    };
    await settled(read());
    expect(indexes(replies)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(asked.map(({ token }) => token)).toEqual(['', '3', '6']);
    const [first, second] = asked.map(({ instance }) => instance);
    expect(second).not.toBe(first);
    expect(senders).toEqual([first, first, first, second, second, second, first, first, first]);
  });

  it('breaks if the numbers of the fields are not known, or its caller does not want it', async () => {
    const policyFields = { resume: { request: 2, response: 2 } };
    for (const fields of [
      { method: methodNamed('follow') },
      { method: { ...methodNamed('follow'), policyFields }, resumeForMs: 0 },
    ]) {
      const { channel, settled } = followers();
      const reply = await settled(createForwarder(channel)(callOf({ ...fields, request: one(request) })));
      expect(await failure(settled(collect(many(reply))))).toMatchObject({
        code: Status.UNAVAILABLE,
        origin: 'server',
      });
    }
  });
});

it('a hash key that is a field is read from the encoded request', async () => {
  const channel = open();
  const keys: (string | undefined)[] = [];
  const spied = watched(channel, (_method, _wire, { hashKey }) => keys.push(hashKey));
  const plain = methodNamed('unary');
  const byField = { ...plain, policy: { ...plain.policy, hashKey: { from: 'field', path: ['text'] } as const } };
  const byMetadata = { ...plain, policy: { ...plain.policy, hashKey: { from: 'metadata', key: 'tenant' } as const } };
  const forward = createForwarder(spied);
  await forward(callOf({ method: { ...byField, policyFields: { hashKey: { path: [2], type: 9 } } } }));
  await forward(callOf({ method: byField }));
  await forward(callOf({ method: byMetadata, metadata: new Metadata({ tenant: 'acme' }) }));
  expect(keys).toEqual(['hello', undefined, 'acme']);
});
