import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { emptyReply } from '../../test/support/fake-transport.js';
import { failure } from '../../test/support/outcome.js';
import { connect } from '../../test/support/service.js';
import { collect } from '../../test/support/stream.js';
import type { ClientCall } from '../call/client-call.js';
import { Metadata } from '../call/metadata.js';
import { createChannel } from '../channel/channel.js';
import type { Middleware } from '../middleware/middleware.js';
import { observeReply } from '../middleware/stream.js';
import type { Resolver } from '../resolver/resolver.js';
import { staticResolver } from '../resolver/static.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { createMemoryNetwork } from '../transport/memory/network.js';
import type { WireCall, WireHandler } from '../transport/transport.js';
import { createClient } from './create-client.js';

/** A client of a server whose wire handler the test writes. */
function clientOf(handle: WireHandler) {
  const clock = new ManualClock();
  const network = createMemoryNetwork();
  network.listen('raw', { handle });
  const resolver = staticResolver(['raw']);
  const channel = createChannel({ resolver, transport: network.transport, clock, wallClock: clock.wall });
  return { client: createClient(ConformanceServiceDefinition, { channel }), channel, clock };
}

it('calls the service that `at` names, for a contract that several services implement', async () => {
  const asked: string[] = [];
  const paths: string[] = [];
  const network = createMemoryNetwork();
  network.listen('projects.v1.ProjectService', {
    handle: async ({ path }) => {
      paths.push(path);
      return emptyReply;
    },
  });
  const resolver: Resolver = {
    source: 'the test',
    resolve(service, listener) {
      asked.push(service);
      return staticResolver([service]).resolve(service, listener);
    },
    close() {},
  };
  const channel = createChannel({ resolver, transport: network.transport, clock: new ManualClock() });
  const client = createClient(ConformanceServiceDefinition, { channel, at: 'projects.v1.ProjectService' });
  expect(asked).toEqual([]);
  await client.unary({});
  expect(asked).toEqual(['projects.v1.ProjectService']);
  expect(paths).toEqual(['/rondo.conformance.v1.ConformanceService/Unary']);
});

describe('a client', () => {
  it.each([
    ['its caller sets none', {}],
    ['its caller allows more', { timeoutMs: 60_000 }],
  ])("ends at the contract's timeout if %s, even if the server never answers", async (_name, options) => {
    const { client, clock } = clientOf(() => new Promise(() => undefined));
    let error: unknown;
    const call = client.unary({}, options).catch((reason: unknown) => {
      error = reason;
    });
    await clock.advance(4_999);
    expect(error).toBeUndefined();
    await clock.advance(1);
    expect(error).toMatchObject({
      code: Status.DEADLINE_EXCEEDED,
      message: expect.stringContaining('no outcome within the 5000 ms that the contract allows the call at most'),
    });
    await call;
    expect(clock.timers).toBe(0);
  });

  it.each([
    ['60 s if its caller allows that', 60_000, 'that its caller gave the call; allow it'],
    ['10 s if its caller sets no limit', undefined, 'that a call has whose caller sets no limit; set timeoutMs'],
  ])(
    'gives a call without a timeout in its contract %s, and says where the limit comes from',
    async (_name, timeoutMs, words) => {
      const { client, clock } = clientOf(() => new Promise(() => undefined));
      const allowedMs = timeoutMs ?? 10_000;
      const failed = failure(client.unaryUnsafe({}, timeoutMs === undefined ? {} : { timeoutMs }));
      await clock.advance(allowedMs - 1);
      expect(clock.timers).toBeGreaterThan(0);
      await clock.advance(1);
      const message = expect.stringContaining(`no outcome within the ${allowedMs} ms ${words}`);
      expect(await failed).toMatchObject({ code: Status.DEADLINE_EXCEEDED, message });
    },
  );

  it.each([
    ['ahead', 4_000],
    ['behind', -4_000],
  ])('measures the time to a date, although the wall clock was set %s since the process started', async (_name, ms) => {
    const { client, clock } = clientOf(() => new Promise(() => undefined));
    clock.wall.set(new Date(clock.now() + ms));
    const failed = failure(client.unary({}, { deadline: new Date(clock.wall.now().getTime() + 500) }));
    await clock.advance(499);
    expect(clock.timers).toBeGreaterThan(0);
    // The wall clock is set again: the call keeps the time that was left when it began.
    clock.wall.set(new Date(0));
    await clock.advance(1);
    expect((await failed).message).toContain('no outcome within the 500 ms that its caller gave');
    expect(clock.timers).toBe(0);
  });

  it('fails with INTERNAL if a reply is not of the contract’s type', async () => {
    const garbage = Buffer.from([0xff, 0xff]);
    const { client } = clientOf(async () => ({ ...emptyReply, response: { stream: false, message: garbage } }));
    const expected = { code: Status.INTERNAL, message: expect.stringContaining('Unary is not of the type') };
    expect(await failure(client.unary({}))).toMatchObject(expected);
  });

  it.each([
    ['nothing', undefined, 'must be an object'],
    ['text', 'text', 'must be an object'],
    ['an invalid number', { behaviour: { delay: { seconds: 'x' } } }, "can't be encoded"],
  ])('refuses %s as a request before it sends anything', async (_name, request: unknown, message) => {
    let calls = 0;
    const { client } = clientOf(async () => {
      calls += 1;
      return emptyReply;
    });
    const error = await failure(client.unary(request as object));
    expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, message: expect.stringContaining(message) });
    expect(error.report).toMatchObject({ attempts: [] });
    expect(calls).toBe(0);
  });

  it.each([
    ['a metadata key', { metadata: { 'no key': '1' } }, 'metadata key "no key"'],
    ['a metadata value', { metadata: { 'x-text': 'naïve' } }, 'metadata key "x-text"'],
    ['a timeout', { timeoutMs: Number.NaN }, 'timeoutMs must be a number'],
    ['a deadline', { deadline: new Date('soon') }, 'deadline a valid date'],
  ])('refuses %s that is invalid with INVALID_ARGUMENT and makes no attempt', async (_name, options, message) => {
    const { client, clock } = clientOf(async () => emptyReply);
    const error = await failure(client.unary({}, options));
    expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, message: expect.stringContaining(message) });
    expect(error.report).toMatchObject({ method: '/rondo.conformance.v1.ConformanceService/Unary', attempts: [] });
    expect(await failure(collect(client.serverStream({}, options)))).toMatchObject({ code: Status.INVALID_ARGUMENT });
    expect(clock.timers).toBe(0);
  });

  it('says at the deadline what the call was waiting for', async () => {
    const { client, clock } = clientOf(() => new Promise(() => undefined));
    const unanswered = failure(client.unary({}));
    await clock.advance(5_000);
    expect((await unanswered).message).toContain('(raw: no answer yet)');
    const resolver = { source: 'nowhere', resolve: () => ({ close: () => undefined }), close: () => undefined };
    const lost = createClient(ConformanceServiceDefinition, { channel: createChannel({ resolver, clock }) });
    const unresolved = failure(lost.unary({}));
    await clock.advance(5_000);
    expect((await unresolved).message).toBe(
      'no instance of rondo.conformance.v1.ConformanceService is known yet: start one, or see what rondo ps lists (no outcome within the 5000 ms that the contract allows the call at most)',
    );
    expect(clock.timers).toBe(0);
  });

  it('makes no call for a response stream that is not read', async () => {
    let calls = 0;
    const { client, clock } = clientOf(async () => {
      calls += 1;
      return emptyReply;
    });
    client.serverStream({}, { timeoutMs: 1_000 });
    await clock.advance(10);
    expect(calls).toBe(0);
    expect(clock.timers).toBe(0);
  });
});

describe("a client's middleware", () => {
  it('runs around the call in the order listed, and sees the end of a stream', async () => {
    const { channel } = connect();
    const order: string[] = [];
    const note =
      (name: string): Middleware<ClientCall> =>
      async (call, next) => {
        order.push(`${name} in`);
        return observeReply(await next(call), { end: () => order.push(`${name} out`) });
      };
    const middleware = [note('outer'), note('inner')];
    const client = createClient(ConformanceServiceDefinition, { channel, middleware });
    await collect(client.serverStream({ count: 2 }));
    expect(order).toEqual(['outer in', 'inner in', 'inner out', 'outer out']);
  });

  it('may pass on a changed copy of the call', async () => {
    const calls: WireCall[] = [];
    const { channel } = clientOf(async (wire) => {
      calls.push(wire);
      return emptyReply;
    });
    const mark: Middleware<ClientCall> = (call, next) => next({ ...call, metadata: new Metadata({ a: '1' }) });
    let aborted: boolean | undefined;
    const look: Middleware<ClientCall> = (call, next) => {
      aborted = call.signal.aborted;
      return next(call);
    };
    await createClient(ConformanceServiceDefinition, { channel, middleware: [mark, look] }).unary({});
    expect(aborted).toBe(false);
    expect(calls[0]?.metadata.get('a')).toBe('1');
  });

  it('may answer a call and may refuse it', async () => {
    const { channel } = connect();
    const make = (middleware: Middleware<ClientCall>) =>
      createClient(ConformanceServiceDefinition, { channel, middleware: [middleware] });
    const answering = make(async () => ({ ...emptyReply, response: { stream: false, message: { text: 'cached' } } }));
    const refusing = make(() => Promise.reject(new RpcError(Status.RESOURCE_EXHAUSTED, 'too many')));
    expect(await answering.unary({})).toEqual({ text: 'cached' });
    expect(await failure(refusing.unary({}))).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
  });
});
