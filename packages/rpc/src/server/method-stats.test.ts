import { describe, expect, it } from '@jest/globals';
import { sleep } from '@rondo/base';
import { ManualClock } from '@rondo/base/testing';
import { BidiStreamRequest, UnaryRequest } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { conformanceService } from '../../test/support/service.js';
import { wireCall } from '../../test/support/wire-call.js';
import type { ServerCall } from '../call/call.js';
import { CallContext } from '../call/call-context.js';
import { toMicros } from '../call/durations.js';
import type { Middleware } from '../middleware/middleware.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { MethodStats } from './method-stats.js';
import { createRouter } from './router.js';

describe('the ranges of durations', () => {
  it('have a duration within a range that is at most an eighth wide, up to 35 minutes', () => {
    for (let micros = 0; micros < 2_100_000_000; micros = Math.ceil(micros * 1.05 + 0.1)) {
      const stats = new MethodStats();
      stats.took(toMicros(micros / 1_000 + 0.000_5));
      const [range, ...others] = stats.durations();
      if (range === undefined) throw new Error(`${micros} µs is in no range`);
      expect(others).toEqual([]);
      expect(range.minMicros).toBeLessThanOrEqual(micros);
      expect(range.maxMicros).toBeGreaterThanOrEqual(micros);
      expect(range.maxMicros - range.minMicros).toBeLessThanOrEqual(range.minMicros / 8);
    }
  });

  it('follow each other without a gap', () => {
    const stats = new MethodStats();
    for (let micros = 0; micros < 5_000; micros += 1) stats.took(toMicros(micros / 1_000 + 0.000_5));
    const ranges = stats.durations();
    for (const [at, { minMicros }] of ranges.entries()) {
      expect(minMicros).toBe(at === 0 ? 0 : (ranges[at - 1]?.maxMicros ?? 0) + 1);
    }
  });

  it('end with one for all that took longer', () => {
    const stats = new MethodStats();
    stats.took(toMicros(86_400_000));
    stats.took(toMicros(Number.MAX_VALUE));
    expect(stats.durations()).toMatchObject([{ count: 2 }]);
  });
});

const UNARY = '/rondo.conformance.v1.ConformanceService/Unary';
const STREAM = '/rondo.conformance.v1.ConformanceService/BidiStream';

/** A message with a text: a byte each for the tag and the length, and the text. */
const encoded = (text: string) => UnaryRequest.encode(UnaryRequest.fromPartial({ text })).finish();

const streamed = (text: string) => BidiStreamRequest.encode(BidiStreamRequest.fromPartial({ text })).finish();

async function* both<T>(...messages: readonly T[]) {
  yield* messages;
}

const refuseStreams: Middleware<ServerCall> = (call, next) =>
  call.method.responseStream ? Promise.reject(new RpcError(Status.UNAVAILABLE, 'not now')) : next(call);

describe('a router counts', () => {
  it('calls, their ends, their time and their bytes', async () => {
    const clock = new ManualClock();
    const service = conformanceService({
      async unary({ text }) {
        await sleep(clock, 40);
        if (text === 'fail') throw new RpcError(Status.NOT_FOUND, 'there is none');
        return { text: 'done' };
      },
    });
    const router = createRouter({ services: [service], clock });
    const stats = router.stats.get(UNARY);
    const request = (text: string) => ({ stream: false, message: encoded(text) }) as const;
    const calls = [
      router.handle(wireCall({ path: UNARY, request: request('abc') })),
      router.handle(wireCall({ path: UNARY, request: request('fail') })),
      router.handle(
        wireCall({ path: UNARY, request: request('x'), context: new CallContext({ parents: [AbortSignal.abort()] }) }),
      ),
    ];
    const outcomes = Promise.allSettled(calls);
    await clock.advance(0);
    expect(stats).toMatchObject({ begun: 3, requestBytes: 5 + 6 + 3, replyBytes: 0 });
    expect(stats?.ended.reduce((sum, count) => sum + count)).toBe(1);
    await clock.advance(40);
    await outcomes;
    expect(stats).toMatchObject({ begun: 3, replyBytes: 6 });
    expect([Status.OK, Status.NOT_FOUND, Status.CANCELLED].map((code) => stats?.ended[code])).toEqual([1, 1, 1]);
    expect(stats?.durations()).toEqual([
      { minMicros: 0, maxMicros: 0, count: 1 },
      { minMicros: 36_864, maxMicros: 40_959, count: 2 },
    ]);
  });

  it('the messages of streams, and no time of theirs', async () => {
    const service = conformanceService({
      async *bidiStream(requests) {
        for await (const { text } of requests) yield { text: `${text}!` };
      },
    });
    const router = createRouter({ services: [service] });
    const stats = router.stats.get(STREAM);
    const messages = both(streamed('a'), streamed('bc'));
    const reply = await router.handle(
      wireCall({ path: STREAM, responseStream: true, request: { stream: true, messages } }),
    );
    if (!reply.response.stream) throw new Error('the method has a response stream');
    for await (const _ of reply.response.messages) expect(stats?.ended[Status.OK]).toBe(0);
    expect(stats).toMatchObject({ begun: 1, requestBytes: 3 + 4, replyBytes: 4 + 5 });
    expect(stats?.ended[Status.OK]).toBe(1);
    expect(stats?.durations()).toEqual([]);
  });

  it('no time of a method whose request is a stream, nor of a response stream that fails before it begins', async () => {
    const router = createRouter({ services: [conformanceService()], middleware: [refuseStreams] });
    const paths = ['ClientStream', 'ServerStream'].map((name) => UNARY.replace(/Unary$/, name));
    for (const path of paths) {
      const request = { stream: true, messages: both<Uint8Array>() } as const;
      const shape = path.endsWith('ClientStream') ? { request } : { responseStream: true };
      await router.handle(wireCall({ path, ...shape })).catch(() => undefined);
      const stats = router.stats.get(path);
      expect(stats?.begun).toBe(1);
      expect(stats?.ended.reduce((sum, count) => sum + count)).toBe(1);
      expect(stats?.durations()).toEqual([]);
    }
  });

  it('a stream that its caller cancels as cancelled, and one that fails with its code', async () => {
    const service = conformanceService({
      async *bidiStream(requests) {
        for await (const { text } of requests) {
          if (text === 'f') throw new RpcError(Status.UNAVAILABLE, 'no more');
          yield { text };
        }
      },
    });
    const router = createRouter({ services: [service] });
    const stats = router.stats.get(STREAM);
    for (const last of ['f', undefined]) {
      const caller = new AbortController();
      const context = new CallContext({ parents: [caller.signal] });
      const messages = both(streamed('a'), ...(last === undefined ? [] : [streamed(last)]));
      const call = wireCall({ path: STREAM, responseStream: true, context, request: { stream: true, messages } });
      const reply = await router.handle(call);
      if (!reply.response.stream) throw new Error('the method has a response stream');
      const iterator = reply.response.messages[Symbol.asyncIterator]();
      await iterator.next();
      // A transport reads no further once its caller has left.
      if (last === undefined) caller.abort();
      else await iterator.next().catch(() => undefined);
      await iterator.return?.();
    }
    expect([Status.UNAVAILABLE, Status.CANCELLED].map((code) => stats?.ended[code])).toEqual([1, 1]);
  });
});
