import { describe, expect, it } from '@jest/globals';
import { createSemaphore, sleep } from '@rondo/base';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { RetryInfo } from '@rondo/contracts/google/rpc/error_details';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { failure } from '../../../test/support/outcome.js';
import { recordingLogger } from '../../../test/support/recording-logger.js';
import { conformanceService } from '../../../test/support/service.js';
import { wireCall } from '../../../test/support/wire-call.js';
import type { ServerCall } from '../../call/call.js';
import { cancelled } from '../../call/call-context.js';
import { currentWorkLimits } from '../../call/scope.js';
import { callerIdentity } from '../../call/values.js';
import type { Middleware } from '../../middleware/middleware.js';
import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { RouterError } from '../../status/wire-errors.js';
import { standIn } from '../../testing/test-channel.js';
import { createRouter, type RouterOptions } from '../router.js';

const SERVICE = '/rondo.conformance.v1.ConformanceService';
const UNARY = `${SERVICE}/Unary`;
const UNSAFE = `${SERVICE}/UnaryUnsafe`;
const STREAM = `${SERVICE}/ServerStream`;

/** A router whose handlers hold one of 20 permits for 20 ms, and one that waits until the test ends it. */
function serve({ stalls = false, ...options }: Partial<RouterOptions> & { stalls?: boolean } = {}) {
  const clock = new ManualClock();
  const permits = createSemaphore(20);
  const { logger, lines } = recordingLogger();
  const work = async () => {
    if (stalls) currentWorkLimits().onStall?.();
    await permits.run(() => sleep(clock, 20));
    return {};
  };
  const ends: (() => void)[] = [];
  const wait = () => new Promise<void>((resolve) => ends.push(resolve));
  const service = conformanceService({
    unary: work,
    async unaryUnsafe() {
      await wait();
      return {};
    },
    async *serverStream() {
      await wait();
      yield {};
    },
  });
  const health = standIn(HealthDefinition, { check: () => ({}) });
  const registry = standIn(RegistryServiceDefinition, { renew: () => ({}) });
  const services = [service, health, registry];
  const router = createRouter({ services, clock, logger, random: seededRandom(1), ...options });
  const errors: RpcError[] = [];
  let answered = 0;
  const call = (path: string) =>
    router.handle(wireCall({ path })).then(
      () => {
        answered += 1;
      },
      (error: unknown) => {
        if (error instanceof RpcError) errors.push(error);
      },
    );
  /** Calls so many times a millisecond. */
  const load = async (perMs: number, ms: number) => {
    let due = 0;
    for (let passed = 0; passed < ms; passed += 1) {
      for (due += perMs; due >= 1; due -= 1) void call(UNARY);
      await clock.advance(1);
    }
  };
  return { router, clock, lines, errors, load, call, ends, answered: () => answered };
}

const viewOf = ({ router }: ReturnType<typeof serve>, path: string) =>
  router.admission.inspect().find(({ method }) => method.path === path);

describe('an overloaded server', () => {
  it('refuses calls with the time after which to call again, and proves that no handler ran', async () => {
    const server = serve();
    await server.load(0.5, 1_000);
    await server.load(3, 1_000);
    const [error] = server.errors;
    expect(error).toBeInstanceOf(RouterError);
    expect(error).toMatchObject({ code: Status.RESOURCE_EXHAUSTED, handled: 'never' });
    expect(error?.message).toMatch(
      /^calls of .*Unary queue at this instance, so it takes only \d+ at once; call again in [234]\d ms, or add instances$/,
    );
    const delay = error?.detail(RetryInfo)?.retryDelay;
    expect(error?.retryPushbackMs).toBe((delay?.nanos ?? 0) / 1e6);
    expect(viewOf(server, UNARY)?.refused.get('latency')).toBe(server.errors.length);
    expect(server.router.stats.get(UNARY)?.ended[Status.RESOURCE_EXHAUSTED]).toBe(server.errors.length);
  });

  it('answers as many as it can, and refuses none once the load has ended', async () => {
    const server = serve();
    await server.load(0.5, 1_000);
    await server.load(3, 1_000);
    const before = server.answered();
    await server.load(3, 1_000);
    expect(server.answered() - before).toBeGreaterThan(900);
    await server.load(0.5, 1_500);
    const refused = server.errors.length;
    await server.load(0.5, 1_000);
    expect(server.errors).toHaveLength(refused);
    expect(viewOf(server, UNARY)?.limit).toBeUndefined();
  });

  it('refuses none because of calls that wait for a lock, or for a database that is away', async () => {
    const server = serve({ stalls: true });
    await server.load(0.5, 1_000);
    await server.load(3, 1_000);
    expect(server.errors).toEqual([]);
    await server.clock.advance(5_000);
    expect(viewOf(server, UNARY)).toMatchObject({ inFlight: 0, limit: undefined });
  });

  it('answers health checks and renewals, whatever the load', async () => {
    const server = serve({ admission: { maxCalls: { server: 1 } } });
    const first = server.call(UNSAFE);
    await server.call(UNARY);
    expect(server.errors).toHaveLength(1);
    for (const path of ['/grpc.health.v1.Health/Check', '/rondo.registry.v1.RegistryService/Renew']) {
      await server.call(path);
    }
    expect(server.errors).toHaveLength(1);
    expect(server.answered()).toBe(2);
    for (const end of server.ends) end();
    await first;
  });

  it('logs when it begins and when it has ended, not each call', async () => {
    const server = serve({ admission: { maxCalls: { methods: { [UNARY]: 2 } } } });
    await server.load(3, 100);
    await server.clock.advance(4_000);
    await server.load(3, 100);
    await server.clock.advance(6_000);
    expect(server.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'overloaded: calls are being refused'],
      ['info', 'no longer overloaded: no call was refused for 5 s'],
    ]);
    expect(server.lines[0]?.fields).toMatchObject({ method: UNARY, limit: 'method', max: 2 });
    expect(server.lines[1]?.fields).toMatchObject({ refused: server.errors.length, seconds: 4 });
    expect(server.clock.timers).toBe(0);
  });

  it('shows refused calls to telemetry, and to no other middleware', async () => {
    const seen: string[] = [];
    const note =
      (name: string): Middleware<ServerCall> =>
      (call, next) => {
        seen.push(name);
        return next(call);
      };
    const options = { telemetry: [note('telemetry')], middleware: [note('other')] };
    const { call, errors } = serve({ ...options, admission: { maxCalls: { methods: { [UNSAFE]: 0 } } } });
    await call(UNSAFE);
    expect(errors).toHaveLength(1);
    expect(seen).toEqual(['telemetry']);
  });
});

describe('a server whose admission is off', () => {
  it('refuses nothing, and at once when it is turned on', async () => {
    const server = serve({ admission: { adaptive: false } });
    await server.load(0.5, 1_000);
    await server.load(3, 500);
    expect(server.errors).toEqual([]);
    server.router.admission.update({ adaptive: true });
    await server.load(3, 100);
    expect(server.errors.length).toBeGreaterThan(0);
    server.router.admission.update({ adaptive: false });
    const refused = server.errors.length;
    await server.load(3, 100);
    expect(server.errors).toHaveLength(refused);
  });
});

describe('bounds', () => {
  it('hold for a method, and change while calls are in flight', async () => {
    const server = serve({ admission: { maxCalls: { methods: { [UNSAFE]: 2 } } } });
    const calls = [server.call(UNSAFE), server.call(UNSAFE), server.call(UNSAFE)];
    await server.clock.advance(0);
    expect(server.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^this instance takes at most 2 calls of .*UnaryUnsafe at once, by RONDO_MAX_CALLS; call again in \d+ ms, or raise/,
      ),
    ]);
    server.router.admission.update({ maxCalls: { methods: { [UNSAFE]: 3 } } });
    calls.push(server.call(UNSAFE));
    await server.clock.advance(0);
    expect(server.errors).toHaveLength(1);
    for (const end of server.ends) end();
    await Promise.all(calls);
    expect(viewOf(server, UNSAFE)).toMatchObject({ inFlight: 0, limit: 3 });
  });

  it.each([{ methods: { [UNSAFE]: 2 } }, { server: 2 }])(
    'count a handler until it ends, also if its caller has left: %j',
    async (maxCalls) => {
      const server = serve({ admission: { maxCalls } });
      for (let left = 2; left > 0; left -= 1) {
        const wire = wireCall({ path: UNSAFE });
        const call = failure(server.router.handle(wire));
        await server.clock.advance(0);
        wire.context.end(cancelled());
        await call;
      }
      const calls = [server.call(UNSAFE)];
      await server.clock.advance(0);
      expect(server.errors).toMatchObject([{ code: Status.RESOURCE_EXHAUSTED }]);
      expect(server.lines[0]?.fields).toMatchObject({ inFlight: 0, abandoned: 2 });
      expect(viewOf(server, UNSAFE)).toMatchObject({ inFlight: 2 });
      server.ends.shift()?.();
      await server.clock.advance(0);
      calls.push(server.call(UNSAFE), server.call(UNSAFE));
      await server.clock.advance(0);
      expect(server.errors).toHaveLength(2);
      // One that hangs counts for a minute.
      await server.clock.advance(60_000);
      server.lines.length = 0;
      calls.push(server.call(UNSAFE));
      expect(server.errors).toHaveLength(2);
      expect(server.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('pass on call.signal') }]);
      await server.clock.advance(0);
      for (const end of server.ends) end();
      await Promise.all(calls);
      expect(viewOf(server, UNSAFE)).toMatchObject({ inFlight: 0 });
    },
  );

  it('count streams as long as they are open', async () => {
    const server = serve({ admission: { maxCalls: { methods: { [STREAM]: 1 } } } });
    const open = await server.router.handle(wireCall({ path: STREAM, responseStream: true }));
    expect(await failure(server.router.handle(wireCall({ path: STREAM, responseStream: true })))).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
    });
    if (!open.response.stream) throw new Error('no stream');
    const messages = open.response.messages[Symbol.asyncIterator]();
    const first = messages.next();
    await server.clock.advance(0);
    for (const end of server.ends) end();
    await first;
    await messages.next();
    expect(viewOf(server, STREAM)?.inFlight).toBe(0);
  });

  it('hold for the unary calls of the server, not for streams', async () => {
    const server = serve({ admission: { maxCalls: { server: 1 } } });
    const first = server.call(UNSAFE);
    await server.router.handle(wireCall({ path: STREAM, responseStream: true }));
    await server.call(UNARY);
    expect(server.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/takes at most 1 calls at once/),
    ]);
    for (const end of server.ends) end();
    await first;
  });

  it('hold for each caller that middleware has identified', async () => {
    const identify: Middleware<ServerCall> = (call, next) => {
      call.values.set(callerIdentity, String(call.metadata.get('who') ?? ''));
      return next(call);
    };
    const { router, ends, clock } = serve({ middleware: [identify], admission: { maxCalls: { caller: 1 } } });
    const outcomes = ['ann', 'ann', 'bob', '', ''].map((who) => {
      const wire = wireCall({ path: UNSAFE });
      wire.metadata.set('who', who);
      return router.handle(wire).then(
        () => 'answered',
        (error: RouterError) => `${error.handled}: ${error.message}`,
      );
    });
    await clock.advance(0);
    for (const end of ends) end();
    const refused = expect.stringMatching(/^never: this instance takes at most 1 calls of one caller at once/);
    expect(await Promise.all(outcomes)).toEqual(['answered', refused, 'answered', 'answered', 'answered']);
    const again = wireCall({ path: UNSAFE });
    again.metadata.set('who', 'ann');
    const answer = router.handle(again);
    await clock.advance(0);
    for (const end of ends) end();
    await expect(answer).resolves.toBeDefined();
  });
});
