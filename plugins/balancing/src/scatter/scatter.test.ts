import { describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { CallContext } from '@rondo/rpc/call';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { runInScope, TransportError } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { endpoint } from '../../../../packages/rpc/test/support/endpoints.js';
import { emptyReply, fakeTransports } from '../../../../packages/rpc/test/support/fake-transport.js';
import { fleetsOfATest, requestsFor, tally, type Work } from '../../../../packages/rpc/test/support/fleet.js';
import { methodOf } from '../../../../packages/rpc/test/support/method.js';
import { failure } from '../../../../packages/rpc/test/support/outcome.js';
import { collect } from '../../../../packages/rpc/test/support/stream.js';
import type { ScatterStreamOptions, UnaryMethod } from './options.js';
import { scatterStream } from './stream.js';

const THREE = ['a', 'b', 'c'];
const openFleet = fleetsOfATest();
const open = (names = THREE, work?: Readonly<Record<string, Work>>) => openFleet(names, work);

/** The parts of a scatter, once all have come. */
const scatter = <Req, Res, const R extends 'all' | 'none' = 'all'>(
  call: UnaryMethod<Req, Res>,
  requests: Iterable<NoInfer<Req>>,
  options: ScatterStreamOptions<R> = {},
) => collect(scatterStream(call, requests, { readAhead: 1_000, ...options }));

function failing(code: Status, message = 'no'): Work {
  return {
    answer() {
      throw new RpcError(code, message);
    },
  };
}

const method = methodOf('idempotent');

describe('scatter', () => {
  it('returns the parts in order with the instance of each, and uses every instance', async () => {
    const { unary, settled } = open();
    const parts = await settled(scatter(unary, requestsFor(30)));
    expect(parts.map(({ value }) => value.text)).toEqual(parts.map(({ instance }, at) => `part ${at} by ${instance}`));
    expect(tally(parts.map(({ instance }) => instance))).toEqual({ a: 10, b: 10, c: 10 });
  });

  it('gives no parts to a canary of 0 %, and parts as to other instances to a canary of more', async () => {
    const { unary, settled, list } = open();
    list('a', endpoint('b', { metadata: { canary: '0' } }), endpoint('c', { metadata: { canary: '5' } }));
    const parts = await settled(scatter(unary, requestsFor(20)));
    expect(tally(parts.map(({ instance }) => instance))).toEqual({ a: 10, c: 10 });
  });

  it('gives an instance at most perInstance parts at once', async () => {
    const { unary, settled, mostInFlight } = open();
    await settled(scatter(unary, requestsFor(40), { perInstance: 3 }));
    expect(Object.fromEntries(mostInFlight)).toEqual({ a: 3, b: 3, c: 3 });
  });

  it('gives a slow instance fewer parts', async () => {
    const { unary, settled } = open(THREE, { c: { workMs: 100 } });
    const parts = await settled(scatter(unary, requestsFor(84)));
    const { a = 0, b = 0, c = 0 } = tally(parts.map(({ instance }) => instance));
    expect(a + b + c).toBe(84);
    expect(c).toBeLessThanOrEqual(8);
    expect(Math.abs(a - b)).toBeLessThanOrEqual(4);
  });

  it('retries the parts of an instance that dies at others', async () => {
    const { unary, settled, clock, network, begun } = open();
    const outcome = scatter(unary, requestsFor(30));
    await clock.advance(15);
    network.node('b').kill();
    const lost = begun.filter(({ instance }) => instance === 'b').slice(-2);
    const parts = await settled(outcome);
    expect(parts.map(({ value }) => value.text)).toEqual(parts.map(({ instance }, at) => `part ${at} by ${instance}`));
    expect(lost).toHaveLength(2);
    for (const { text } of lost) expect(tally(begun.map((one) => one.text))[text]).toBe(2);
    expect(begun).toHaveLength(32);
  });

  it('gives parts to an instance that starts meanwhile, within the context and deadline of the call', async () => {
    const { unary, settled, clock, start, list, begun } = open(['a'], { a: { workMs: 60_000 } });
    start('b');
    const deadline = clock.now() + 30_000;
    const context = new CallContext({ deadline, clock });
    const scope = { context, signal: context.signal, traceId: '4bf92f3577b34da6a3ce929d0e0e4736', method };
    const outcome = runInScope(scope, () => scatter(unary, requestsFor(6), { require: 'none' }));
    await clock.advance(1_000);
    list('a', 'b');
    await clock.advance(50);
    expect(tally(begun.map(({ instance }) => instance))).toEqual({ a: 2, b: 4 });
    const parts = await settled(outcome);
    context.release();
    expect(tally(parts.map((part) => (part.ok ? part.instance : undefined)))).toEqual({ b: 6 });
    const { call } = begun.find(({ instance }) => instance === 'b') ?? {};
    expect(call?.traceId).toBe(scope.traceId);
    expect(call?.context.endsAt).toBeLessThanOrEqual(deadline);
  });

  it('fails with the first part whose failure is final, and cancels the rest', async () => {
    const bad = ({ text }: { text: string }) => {
      if (text === 'part 3') throw new RpcError(Status.INVALID_ARGUMENT, 'part 3 is bad');
    };
    const works = { a: { answer: bad }, b: { answer: bad }, c: { answer: bad } };
    const { unary, settled, begun, clock } = open(THREE, works);
    const error = await settled(failure(scatter(unary, requestsFor(60))));
    expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, message: 'part 3 is bad' });
    expect(error.report?.attempts).toHaveLength(1);
    expect(begun.filter(({ text }) => text === 'part 3')).toHaveLength(1);
    const count = begun.length;
    expect(count).toBeLessThan(20);
    await clock.advance(10_000);
    expect(begun).toHaveLength(count);
    expect(begun.filter(({ call }) => call.signal.aborted).length).toBeGreaterThanOrEqual(4);
  });

  it('tries a part at each instance once, and at three instances at most', async () => {
    const away = failing(Status.UNAVAILABLE, 'closed');
    const { unary, settled, begun } = open(['a', 'b', 'c', 'd'], { a: away, b: away, c: away, d: away });
    const error = await settled(failure(scatter(unary, requestsFor(1))));
    expect(error).toMatchObject({
      code: Status.UNAVAILABLE,
      message: expect.stringMatching(/^closed \(tried at \w, /),
    });
    expect(begun).toHaveLength(3);
    expect(new Set(begun.map(({ instance }) => instance)).size).toBe(3);
    expect(error.report?.attempts.map(({ code }) => code)).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
  });

  it('retries a method that an older instance lacks at another instance, and gives the older one no more parts', async () => {
    const { unary, settled, begun } = open(['a', 'b'], { b: failing(Status.UNIMPLEMENTED) });
    const parts = await settled(scatter(unary, requestsFor(20)));
    expect(tally(parts.map(({ instance }) => instance))).toEqual({ a: 20 });
    expect(begun.filter(({ instance }) => instance === 'b').length).toBeLessThanOrEqual(2);
  });

  it('retries a part at another instance after partTimeoutMs', async () => {
    const { unary, settled } = open(['a', 'b'], { b: { workMs: 60_000 } });
    const parts = await settled(scatter(unary, requestsFor(4), { partTimeoutMs: 200 }));
    expect(tally(parts.map(({ instance }) => instance))).toEqual({ a: 4 });
  });

  it('does not repeat a part that may have been done if the method is not safe to repeat', async () => {
    const { unaryUnsafe, settled, network, begun, clock } = open(['a', 'b'], { b: { workMs: 1_000 } });
    const outcome = scatter(unaryUnsafe, [{}, {}, {}], { perInstance: 1, require: 'none' });
    await clock.advance(5);
    network.node('b').kill();
    const parts = await settled(outcome);
    expect(parts.filter(({ ok }) => !ok)).toMatchObject([{ error: { code: Status.UNAVAILABLE }, instance: 'b' }]);
    expect(begun).toHaveLength(3);
  });

  it('fails with UNAVAILABLE if no instance is known', async () => {
    const { unary, settled } = open([]);
    const text = 'no instance of rondo.conformance.v1.ConformanceService is registered with the registry at r:1';
    const error = await settled(failure(scatter(unary, requestsFor(2))));
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, message: expect.stringContaining(text) });
  });

  it('says why no instance can be reached', async () => {
    const { unary, settled, network } = open(['a']);
    network.node('a').kill();
    const error = await settled(failure(scatter(unary, requestsFor(1))));
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, message: expect.stringContaining('a at a:1') });
  });

  it('waits for an instance that is connecting', async () => {
    const { unary, settled, network } = open(['a']);
    network.delay({ from: 'client', to: 'a' }, 400);
    expect(await settled(scatter(unary, requestsFor(2)))).toHaveLength(2);
  });

  it('begins when the first connections have been made, not with the first one alone', async () => {
    const { factory, at } = fakeTransports({ byHand: true });
    const clock = new ManualClock();
    const resolver = staticResolver(['a:1', 'b:1']);
    const channel = createChannel({ resolver, transport: factory, clock, random: seededRandom(1) });
    const { unary } = createClient(ConformanceServiceDefinition, { channel });
    at('a:1').move('ready');
    const parts = scatter(unary, requestsFor(2));
    await clock.advance(20);
    at('b:1').move('ready');
    await clock.advance(0);
    expect(tally((await parts).map(({ instance }) => instance))).toEqual({ 'a:1': 1, 'b:1': 1 });
    channel.close();
  });

  it.each([
    ['succeeds there', 1, [true]],
    ['gives up if that fails too', 2, [false]],
  ])(
    'retries a part once at the instance that refused it, if there is no other, and %s',
    async (_, refusals, outcome) => {
      const { factory, at } = fakeTransports();
      const clock = new ManualClock();
      const resolver = staticResolver(['a:1']);
      const channel = createChannel({ resolver, transport: factory, clock, random: seededRandom(1) });
      const { unaryUnsafe } = createClient(ConformanceServiceDefinition, { channel });
      const calls: number[] = [];
      at('a:1').call = async () => {
        calls.push(clock.now());
        if (calls.length > refusals) return emptyReply;
        throw new TransportError(Status.UNAVAILABLE, 'going away', { reach: 'never' });
      };
      const parts = scatter(unaryUnsafe, [{}], { require: 'none' });
      await clock.advance(100);
      expect((await parts).map(({ ok }) => ok)).toEqual(outcome);
      expect(calls).toHaveLength(2);
      expect((calls[1] ?? 0) - (calls[0] ?? 0)).toBeGreaterThanOrEqual(20);
      channel.close();
    },
  );

  it('returns an empty list for no requests', async () => {
    const { unary, settled } = open();
    expect(await settled(scatter(unary, []))).toEqual([]);
  });
});

describe('a scatter', () => {
  it('ends with the surrounding call, cancels all its parts and leaves no timer', async () => {
    const { unary, settled, begun, clock } = open();
    await settled(unary({}));
    const timers = clock.timers;
    const context = new CallContext({ clock, deadline: clock.now() + 100 });
    const scope = { context, signal: context.signal, traceId: '0'.repeat(32), method };
    const slow = requestsFor(1_000);
    const error = await settled(runInScope(scope, () => failure(scatter(unary, slow))));
    expect(error.code).toBe(Status.DEADLINE_EXCEEDED);
    await clock.advance(100);
    const count = begun.length;
    await clock.advance(5_000);
    expect(begun).toHaveLength(count);
    expect(clock.timers).toBe(timers);
  });

  it('ends with the surrounding call even if no part has begun', async () => {
    const { unary, settled, network, clock, start, list } = open([]);
    start('a');
    network.partition('client', 'a');
    list('a');
    const context = new CallContext({ clock, deadline: clock.now() + 100 });
    const scope = { context, signal: context.signal, traceId: '0'.repeat(32), method };
    const error = await settled(runInScope(scope, () => failure(scatter(unary, requestsFor(2)))));
    expect(error.code).toBe(Status.DEADLINE_EXCEEDED);
  });

  it('ends when its signal aborts', async () => {
    const { unary, settled, begun, clock } = open(THREE, { a: { workMs: 9_000 }, b: { workMs: 9_000 } });
    const caller = new AbortController();
    const outcome = failure(scatter(unary, requestsFor(500), { signal: caller.signal }));
    await clock.advance(50);
    caller.abort();
    expect(await settled(outcome)).toMatchObject({ code: Status.CANCELLED });
    await clock.advance(10);
    expect(begun.filter(({ instance, call }) => instance === 'a' && call.signal.aborted)).toHaveLength(2);
  });

  it('shares the retry budget with all calls of the service', async () => {
    const { unary, settled, begun } = open(['a', 'b'], { b: { ...failing(Status.UNAVAILABLE), workMs: 0 } });
    await settled(scatter(unary, requestsFor(300), { require: 'none', perInstance: 8 }));
    const further = begun.length - 300;
    expect(further).toBeLessThanOrEqual(100 + 0.2 * begun.length);
    expect(further).toBeGreaterThan(100);
  });

  it.each([
    ['perInstance', { perInstance: 0 }],
    ['maxAttempts', { maxAttempts: 1.5 }],
    ['timeoutMs', { timeoutMs: Number.NaN }],
  ])('refuses an invalid %s', async (name, options) => {
    await expect(scatter(open().unary, requestsFor(2), options)).rejects.toThrow(name);
  });

  it('refuses a function that is no unary method of a client', async () => {
    const { unary, clientStream } = open();
    await expect(scatter(async (request: object) => unary(request), [{}])).rejects.toThrow('not a method of a client');
    // @ts-expect-error a stream where one request belongs
    await expect(scatter(clientStream, [{}])).rejects.toThrow('has a stream');
  });
});
