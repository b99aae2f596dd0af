import { describe, expect, it } from '@jest/globals';
import { undecidedParent } from '../src/call/trace.js';
import { currentScope, type ServerCall } from '../src/exports/call.js';
import type { Clock } from '../src/exports/clock.js';
import { Status } from '../src/exports/status.js';
import { ManualClock, seededRandom } from '../src/exports/testing.js';
import { failure } from './support/outcome.js';
import { recordingLogger } from './support/recording-logger.js';
import { type ConformanceClient, connect } from './support/service.js';
import { collect, endless } from './support/stream.js';
import { deferred } from './support/wait.js';

const HOPS = 3;

interface ChainOptions {
  readonly onHop?: (call: ServerCall) => void;
  readonly clock?: Clock;
}

/** A chain of services, each of which calls the next; the last runs `last`. */
function chain(last: (call: ServerCall) => Promise<object>, { onHop, clock }: ChainOptions = {}) {
  const options = clock === undefined ? {} : { clock };
  let { client } = connect({ unary: (_request, call) => last(call) }, options);
  for (let hop = 1; hop < HOPS; hop += 1) {
    const next: ConformanceClient = client;
    const unary = (request: object, call: ServerCall) => {
      onHop?.(call);
      return next.unary(request);
    };
    client = connect({ unary }, options).client;
  }
  return client;
}

describe('three hops down', () => {
  it('a call belongs to the same trace and has no more time than its caller', async () => {
    const calls: ServerCall[] = [];
    const note = (call: ServerCall) => calls.push(call);
    const client = chain(
      async (call) => {
        note(call);
        return {};
      },
      { onHop: note },
    );
    await client.unary({}, { timeoutMs: 2_000 });
    expect(calls).toHaveLength(HOPS);
    expect(new Set(calls.map(({ traceId }) => traceId)).size).toBe(1);
    // By the clock that measures them: dates are rounded.
    const deadlines = calls.map(({ context }) => context.endsAt);
    expect(deadlines).toEqual(Array.from({ length: HOPS }, () => deadlines[0]));
    // No hop makes spans, so none decides what others sample.
    expect(calls.map(({ metadata }) => [...metadata])).toEqual(
      calls.map(({ traceId }) => [['traceparent', undecidedParent(traceId)]]),
    );
  });

  it('a handler learns at once that the first caller has cancelled', async () => {
    const begun = deferred();
    const stopped = deferred();
    const last = async ({ signal }: ServerCall) => {
      signal.addEventListener('abort', () => stopped.resolve());
      begun.resolve();
      return new Promise<never>(() => undefined);
    };
    const client = chain(last, { clock: new ManualClock() });
    const caller = new AbortController();
    const call = failure(client.unary({}, { signal: caller.signal }));
    await begun.promise;
    caller.abort();
    expect(await call).toMatchObject({ code: Status.CANCELLED });
    await stopped.promise;
  });
});

describe('a scope', () => {
  it('holds through every step of a stream handler, and ends with it', async () => {
    const { client } = connect({
      async *serverStream(_request, call) {
        for (let index = 0; index < 3; index += 1) {
          await Promise.resolve();
          yield { index, payload: Buffer.from(String(currentScope()?.traceId === call.traceId)) };
        }
      },
    });
    const replies = await collect(client.serverStream({}));
    expect(replies.map(({ payload }) => payload.toString())).toEqual(['true', 'true', 'true']);
    expect(currentScope()).toBeUndefined();
  });

  it('ends a stream that a handler reads when its own caller leaves', async () => {
    const ended = deferred();
    const far = connect({ serverStream: () => endless({}, { end: ended.resolve }) }).client;
    const near = connect({ serverStream: (request) => far.serverStream(request) }).client;
    for await (const _reply of near.serverStream({})) break;
    await ended.promise;
  });

  it('lets work that a handler started continue after a successful call', async () => {
    const gate = deferred();
    const late = deferred<unknown>();
    const far = connect({ unary: async () => gate.promise.then(() => ({ text: 'late' })) }).client;
    const near = connect({
      async unary() {
        far.unary({}).then(late.resolve, late.resolve);
        return {};
      },
    }).client;
    await near.unary({});
    gate.resolve();
    expect(await late.promise).toMatchObject({ text: 'late' });
  });
});

describe('a failed call inside a handler', () => {
  it.each([
    ['UNAVAILABLE', Status.UNAVAILABLE],
    ['CANCELLED', Status.CANCELLED],
    ['DEADLINE_EXCEEDED', Status.DEADLINE_EXCEEDED],
  ])('passes %s on, naming the method', async (_name, code) => {
    const far = connect().client;
    const near = connect({ unary: () => far.unary({ behaviour: { code, message: 'why' } }) }).client;
    const error = await failure(near.unary({}));
    expect(error).toMatchObject({ code, message: 'rondo.conformance.v1.ConformanceService/Unary: why' });
  });

  it.each([Status.NOT_FOUND, Status.INVALID_ARGUMENT, Status.INTERNAL])('hides code %i', async (code) => {
    const { logger, lines } = recordingLogger();
    const far = connect().client;
    const near = connect({ unary: () => far.unary({ behaviour: { code, message: 'secret' } }) }, { logger }).client;
    const error = await failure(near.unary({}));
    expect(error.code).toBe(Status.INTERNAL);
    expect(error.message).not.toContain('secret');
    expect(lines).toHaveLength(1);
  });

  it('names the instances that were tried', async () => {
    const clock = new ManualClock();
    const { client } = connect({}, { clock, random: seededRandom(1) });
    const { report } = await failure(client.unary({ behaviour: { code: Status.NOT_FOUND, message: 'gone' } }));
    expect(report).toEqual({
      method: '/rondo.conformance.v1.ConformanceService/Unary',
      attempts: [{ instance: 'memory', address: 'memory', code: 'NOT_FOUND', message: 'gone', elapsedMs: 0 }],
      elapsedMs: 0,
    });
  });

  it('lists an attempt that was pending at the deadline, and the list stays unchanged', async () => {
    const clock = new ManualClock();
    const { client } = connect({ unary: () => new Promise(() => undefined) }, { clock });
    const call = failure(client.unary({}, { timeoutMs: 100 }));
    await clock.advance(100);
    const { report } = await call;
    expect(report).toMatchObject({ attempts: [{ code: 'PENDING' }], elapsedMs: 100 });
    await clock.advance(1_000);
    expect(report).toMatchObject({ attempts: [{ code: 'PENDING' }] });
  });
});
