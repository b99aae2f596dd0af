import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { ConformanceServiceDefinition, UnaryRequest } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { conformance } from '../../test/conformance/handlers.js';
import { failure } from '../../test/support/outcome.js';
import { conformanceService } from '../../test/support/service.js';
import { silent, streamOf } from '../../test/support/stream.js';
import { wireCall } from '../../test/support/wire-call.js';
import type { ServerCall } from '../call/call.js';
import { CallContext } from '../call/call-context.js';
import { Metadata } from '../call/metadata.js';
import type { Middleware } from '../middleware/middleware.js';
import { Status } from '../status/code.js';
import { implement } from './handlers.js';
import { createRouter } from './router.js';

/** Its contract has no timeout. */
const UNLIMITED = '/rondo.conformance.v1.ConformanceService/UnaryUnsafe';

function counting() {
  const calls: ServerCall[] = [];
  const service = conformanceService({
    async unary(_request, call) {
      calls.push(call);
      return { text: 'done' };
    },
    async unaryUnsafe(_request, call) {
      calls.push(call);
      return {};
    },
  });
  return { service, calls };
}

describe('a router', () => {
  it('runs no handler for a call whose deadline passed before it arrived', async () => {
    const clock = new ManualClock();
    const { service, calls } = counting();
    const router = createRouter({ services: [service], clock });
    const late = wireCall({ deadline: clock.now() - 1 });
    expect(await failure(router.handle(late))).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    expect(calls).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  const none = { stream: true, messages: streamOf<Uint8Array>() } as const;
  it.each([
    ['a stream of replies', 'ServerStream', {}],
    ['a stream of requests', 'ClientStream', {}],
    ['one reply', 'Unary', { responseStream: true }],
    ['one request', 'Unary', { request: none }],
  ])('runs no handler of a method with %s for a call of another shape', async (_what, name, shape) => {
    const path = `/rondo.conformance.v1.ConformanceService/${name}`;
    const router = createRouter({
      services: [conformanceService()],
      admission: { maxCalls: { methods: { [path]: 1 } } },
    });
    for (let count = 0; count < 3; count += 1) {
      expect(await failure(router.handle(wireCall({ path, ...shape })))).toMatchObject({
        code: Status.UNIMPLEMENTED,
        handled: 'never',
      });
    }
    expect(router.stats.get(path)?.begun).toBe(0);
  });

  it.each([
    ['away', Status.UNAVAILABLE, /^the database is unavailable/],
    ['unsure', Status.UNAVAILABLE, /outcome is unknown/],
    ['busy', Status.ABORTED, /^other work kept changing or locking/],
    [undefined, Status.INTERNAL, /^internal error/],
  ])('tells the caller what the database failed with: %s', async (databaseFault, code, message) => {
    const fail = () => Promise.reject(Object.assign(new Error('10.0.0.7:5432'), { databaseFault }));
    const { handle } = createRouter({ services: [conformanceService({ unary: fail, unaryUnsafe: fail })] });
    const failed = await failure(handle(wireCall({ path: UNLIMITED })));
    expect(failed).toMatchObject({ code, message: expect.stringMatching(message) });
    // A call without effects has no outcome.
    expect((await failure(handle(wireCall()))).message).not.toContain('outcome');
  });

  it('closes a stream with which middleware answers a method of one reply', async () => {
    const closed: unknown[] = [];
    const messages = silent(() => closed.push('closed'));
    const middleware: Middleware<ServerCall> = async ({ header, trailer }) => {
      return { header, trailer, response: { stream: true, messages } };
    };
    const { handle } = createRouter({ services: [conformanceService()], middleware: [middleware] });
    expect(await failure(handle(wireCall()))).toMatchObject({ code: Status.INTERNAL });
    expect(closed).toEqual(['closed']);
  });

  it('runs no handler for a call whose caller has cancelled', async () => {
    const { service, calls } = counting();
    const router = createRouter({ services: [service] });
    const left = wireCall({ context: new CallContext({ parents: [AbortSignal.abort()] }) });
    expect(await failure(router.handle(left))).toMatchObject({ code: Status.CANCELLED });
    expect(calls).toEqual([]);
  });

  it('gives the handler a whole call if middleware copies the call', async () => {
    const seen: unknown[] = [];
    const service = conformanceService({
      async unary({ text }, { signal, log, metadata }) {
        seen.push(text, signal.aborted, typeof log.info, metadata.get('a'));
        return {};
      },
    });
    const middleware: Middleware<ServerCall> = (call, next) => next({ ...call, metadata: new Metadata({ a: '1' }) });
    const { handle } = createRouter({ services: [service], middleware: [middleware] });
    const message = UnaryRequest.encode(UnaryRequest.fromPartial({ text: 'hello' })).finish();
    await handle(wireCall({ request: { stream: false, message } }));
    expect(seen).toEqual(['hello', false, 'function', '1']);
  });

  it("holds a caller to the contract's deadline", async () => {
    const clock = new ManualClock();
    const { service, calls } = counting();
    const router = createRouter({ services: [service], clock, wallClock: clock.wall });
    await router.handle(wireCall());
    await router.handle(wireCall({ deadline: clock.now() + 60_000 }));
    await router.handle(wireCall({ deadline: clock.now() + 100 }));
    const now = clock.now();
    expect(calls.map(({ deadline }) => deadline)).toEqual([5_000, 5_000, 100].map((ms) => new Date(now + ms)));
    // The handler sees both deadlines.
    const asked = [undefined, new Date(now + 60_000), new Date(now + 100)];
    expect(calls.map(({ callerDeadline }) => callerDeadline)).toEqual(asked);
  });

  it('adds no limit if the contract has none', async () => {
    const clock = new ManualClock();
    const { service, calls } = counting();
    const router = createRouter({ services: [service], clock, wallClock: clock.wall });
    await router.handle(wireCall({ path: UNLIMITED }));
    await router.handle(wireCall({ path: UNLIMITED, deadline: clock.now() + 60_000 }));
    const asked = [undefined, new Date(clock.now() + 60_000)];
    expect(calls.map(({ deadline }) => deadline)).toEqual(asked);
    expect(calls.map(({ callerDeadline }) => callerDeadline)).toEqual(asked);
  });

  it('gives the deadline as a date of the wall clock, while the monotonic clock measures it', async () => {
    const clock = new ManualClock();
    const { service, calls } = counting();
    const router = createRouter({ services: [service], clock, wallClock: clock.wall });
    await router.handle(wireCall({ deadline: clock.now() + 100.4 }));
    const [call] = calls;
    clock.wall.set(new Date('2026-11-21T09:00:00Z'));
    await clock.advance(40);
    expect(call?.deadline).toEqual(new Date('2026-11-21T09:00:00.100Z'));
    expect(call?.callerDeadline).toEqual(call?.deadline);
    clock.wall.set(new Date('2026-11-22T09:00:00Z'));
    expect(call?.deadline).toEqual(new Date('2026-11-22T09:00:00.060Z'));
    await router.handle(wireCall({ path: UNLIMITED, deadline: Number.MAX_VALUE }));
    expect(calls[1]?.deadline).toEqual(new Date(8.64e15));
  });

  it.each([
    ["the caller's", 4_000, '4000 ms that its caller gave the call; allow it more'],
    ["the contract's", 60_000, '5000 ms that the contract allows the call at most; ask for less, or raise'],
  ])('names the limit: %s', async (_name, allowedMs, words) => {
    const clock = new ManualClock();
    const service = conformanceService({
      unary: (_request, { context }) => context.race(new Promise(() => undefined)),
    });
    const router = createRouter({ services: [service], clock });
    const failed = failure(router.handle(wireCall({ deadline: clock.now() + allowedMs })));
    await clock.advance(5_000);
    expect((await failed).message).toContain(`no outcome within the ${words}`);
  });

  it('leaves out the times of a call whose trailer is full, and counts the call as ended', async () => {
    const service = conformanceService({
      async unary({ text }, { trailer }) {
        for (let index = 0; index < 100; index += 1) trailer.append(`t${index}`, 'x');
        if (text !== '') throw new Error(text);
        return {};
      },
    });
    const router = createRouter({ services: [service] });
    const arrival = { sendMs: 0, queueMs: 0, busyMs: 0 };
    const { trailer } = await router.handle(wireCall({ arrival }));
    expect([trailer.size, trailer.has('server-timing')]).toEqual([100, false]);
    const message = UnaryRequest.encode(UnaryRequest.fromPartial({ text: 'a fault' })).finish();
    const failed = failure(router.handle(wireCall({ arrival, request: { stream: false, message } })));
    expect(await failed).toMatchObject({ code: Status.INTERNAL });
    expect(router.admission.inspect().map(({ inFlight }) => inFlight)).toEqual(router.methods.map(() => 0));
  });

  it("shows middleware the status of a handler's fault", async () => {
    const seen: unknown[] = [];
    const watch: Middleware<ServerCall> = async (call, next) => {
      try {
        return await next(call);
      } catch (error) {
        seen.push(error);
        throw error;
      }
    };
    const service = conformanceService({ unary: () => Promise.reject(new Error('secret')) });
    await failure(createRouter({ services: [service], middleware: [watch] }).handle(wireCall()));
    expect(seen).toMatchObject([{ code: Status.INTERNAL, message: expect.stringContaining('internal error') }]);
  });

  it('refuses a service with a missing handler, and a service that is listed twice', () => {
    const incomplete = implement(ConformanceServiceDefinition, JSON.parse('{}'));
    expect(() => createRouter({ services: [incomplete] })).toThrow(/Unary has no handler: implement "unary"/);
    const twice = [conformanceService(), conformanceService(conformance)];
    expect(() => createRouter({ services: twice })).toThrow(/has two handlers/);
  });
});
