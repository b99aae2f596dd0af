/** Calls by frames, over real sockets: what is particular to them. conformance.ci.test.ts has what isn't. */

import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { ChannelOptions } from '../src/channel/channel.js';
import { SERVICE_TAG } from '../src/contract/policy.js';
import type { Metadata } from '../src/exports/call.js';
import { createClient } from '../src/exports/client.js';
import { sleep, systemClock } from '../src/exports/clock.js';
import { createRouter, type Handlers, implement, serve } from '../src/exports/server.js';
import { Status } from '../src/exports/status.js';
import { ManualClock } from '../src/exports/testing.js';
import { startTcpProxy } from '../src/testing/tcp-proxy/tcp-proxy.js';
import { MAX_CALLS } from '../src/transport/frames/frames.js';
import type { ServeOptions } from '../src/wire/serve.js';
import { conformance, type ServedDefinition, servedDefinition } from './conformance/handlers.js';
import { failure } from './support/outcome.js';
import { recordingLogger, warningsIn } from './support/recording-logger.js';
import { socketsOfATest } from './support/sockets.js';
import { atRest, deferred, until } from './support/wait.js';
import { type Way, wayOf } from './support/ways.js';

const sockets = socketsOfATest();
const { closers } = sockets;

type TestHandlers = Partial<Handlers<ServedDefinition>>;

/** The bounds of these tests are those of frames. */
const startServer = (handlers: TestHandlers = {}, options: Partial<ServeOptions> = {}) =>
  sockets.startServer(handlers, { ...options, router: { admission: { adaptive: false } } });

const connect = (addresses: readonly string[], options: Partial<ChannelOptions> = {}) =>
  sockets.connectTo(addresses, { ...options, known: { frames: true, minPingIntervalMs: 200 } });

/** `transport: TRANSPORT_GRPC`, as the generator leaves it: with its length. */
const PLAIN = Buffer.from([2, 3 << 3, 1]);

/** A client that is connected through a proxy. */
async function startBoth(handlers: TestHandlers = {}, options: Partial<ChannelOptions> = {}) {
  const server = await startServer(handlers);
  const proxy = await startTcpProxy({ target: server.address });
  closers.push(() => proxy.close());
  const { channel, client } = connect([proxy.address], options);
  return { server, proxy, channel, client };
}

describe('frames', () => {
  it('carry every call on one connection, except those that either side wants by gRPC', async () => {
    const ways: Way[] = [];
    const unary = (_request: unknown, call: { readonly metadata: Metadata }) => {
      ways.push(wayOf(call.metadata));
      return {};
    };
    const { client, channel, proxy } = await startBoth({ unary });
    await client.unary({ payload: Buffer.alloc(64 * 1024 - 100) });
    await client.unary({ payload: Buffer.alloc(1024 * 1024) });
    await client.unary({ payload: Buffer.alloc(64 * 1024) }, { compression: 'gzip' });
    for await (const _reply of client.serverStream({ count: 3 }));
    expect(ways).toEqual(['frames', 'frames', 'frames']);
    expect(proxy.connections).toBe(1);
    const { unary: method } = ConformanceServiceDefinition.methods;
    const plain = { ...method, options: { ...method.options, _unknownFields: { [SERVICE_TAG]: [PLAIN] } } };
    const definition = { ...ConformanceServiceDefinition, methods: { unary: plain } };
    await createClient(definition, { channel }).unary({});
    expect(ways.at(-1)).toBe('grpc');
    ways.length = 0;
    await connect([(await startServer({ unary })).address], { frames: false }).client.unary({});
    await connect([(await startServer({ unary })).address], { compression: 'gzip' }).client.unary({});
    expect(ways).toEqual(['grpc', 'frames']);
  });

  it('compress long requests if the call says so', async () => {
    const { client, proxy } = await startBoth({ unary: ({ payload }) => ({ text: `${payload.length}` }) });
    await client.unary({});
    const before = proxy.receivedBytes;
    const payload = Buffer.alloc(1024 * 1024, 'x');
    expect(await client.unary({ payload }, { compression: 'gzip' })).toMatchObject({ text: `${payload.length}` });
    expect(proxy.receivedBytes - before).toBeLessThan(10_000);
    async function* requests() {
      for (let left = 3; left > 0; left -= 1) yield { text: 'y'.repeat(100_000) };
    }
    await client.clientStream(requests());
    expect(proxy.receivedBytes - before).toBeGreaterThan(600_000);
    const { texts } = await client.clientStream(requests(), { compression: 'gzip' });
    expect(texts.map(({ length }) => length)).toEqual([100_000, 100_000, 100_000]);
  });

  it('give way to gRPC for ten minutes if a server does not speak them, with one line', async () => {
    const clock = new ManualClock();
    const ways: Way[] = [];
    const unary = (_request: unknown, call: { readonly metadata: Metadata }) => {
      ways.push(wayOf(call.metadata));
      return {};
    };
    const { logger, lines } = recordingLogger();
    const old = await startServer({ unary }, { frames: false });
    const { client } = connect([old.address], { logger, clock });
    for (let left = 3; left > 0; left -= 1) await client.unary({}, { waitForReady: true });
    expect(ways).toEqual(['grpc', 'grpc', 'grpc']);
    expect(warningsIn(lines)).toEqual([expect.stringContaining('is called by gRPC')]);
    await old.drain(0);
    await startServer({ unary }, { listen: old.address });
    await until(async () => {
      await clock.advance(1_000); // the longest wait before it connects again
      return client.unary({}).then(
        () => true,
        () => false,
      );
    });
    expect(ways.at(-1)).toBe('grpc');
    await clock.advance(600_000);
    await until(async () => {
      await client.unary({}).catch(() => undefined);
      return ways.at(-1) === 'frames';
    });
  });

  it('carries long replies in pieces, between which short ones arrive', async () => {
    const long = Buffer.alloc(1024 * 1024, 'long');
    const { client } = await startBoth({
      unary: ({ text }) => (text === 'long' ? { payload: long } : { text }),
    });
    const order: string[] = [];
    const longs = Array.from({ length: 2 }, async () => {
      const { payload } = await client.unary({ text: 'long' });
      order.push('long');
      return payload;
    });
    const shorts = Array.from({ length: 10 }, async () => {
      await client.unary({ text: 'short' });
      order.push('short');
    });
    for (const payload of await Promise.all(longs)) expect(Buffer.compare(payload, long)).toBe(0);
    await Promise.all(shorts);
    expect(order.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'short'));
  });

  it('carries more long replies than a client keeps together', async () => {
    const long = Buffer.alloc(1024 * 1024, 'long');
    // Without the 5 s of the contract, as 40 MiB may take a busy machine longer.
    const { unary } = servedDefinition.methods;
    const unlimited = { ...unary, options: { ...unary.options, _unknownFields: {} } };
    const definition = { ...servedDefinition, methods: { ...servedDefinition.methods, unary: unlimited } };
    const service = implement(definition, { ...conformance, unary: () => ({ payload: long }) });
    const server = await serve(createRouter({ services: [service] }), { listen: '127.0.0.1:0' });
    closers.push(() => server.drain(0));
    const { channel } = connect([server.address]);
    const client = createClient(definition, { channel });
    const replies = await Promise.all(Array.from({ length: 40 }, () => client.unary({}, { timeoutMs: 60_000 })));
    for (const { payload } of replies) expect(Buffer.compare(payload, long)).toBe(0);
  });

  it('refuses a reply that is too long, and carries the others', async () => {
    const { client } = await startBoth(
      { unary: ({ text }) => ({ payload: Buffer.alloc(Number(text)) }) },
      { maxReplyBytes: 2 * 1024 * 1024 },
    );
    const calls = ['10', String(3 * 1024 * 1024), '20'].map((text) => client.unary({ text }).catch((error) => error));
    const [first, tooLong, last] = await Promise.all(calls);
    expect(tooLong).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      message: expect.stringMatching(/^Received message larger than max \(31457\d\d vs 2097152\)/),
    });
    expect([first, last]).toMatchObject([{ payload: { length: 10 } }, { payload: { length: 20 } }]);
    expect((await client.unary({ text: '30' })).payload).toHaveLength(30);
  });

  it('takes a limited number of calls; the others wait their turn', async () => {
    const go = deferred();
    const ways = { frames: 0, grpc: 0 };
    const { client } = await startBoth({
      async unaryUnsafe(_request, call) {
        ways[wayOf(call.metadata)] += 1;
        await go.promise;
        return {};
      },
    });
    const calls: Promise<unknown>[] = [];
    // Not all at once: what the server hasn't read has a bound as well.
    for (let made = 0; made < MAX_CALLS + 76; ) {
      for (const most = Math.min(made + 1_000, MAX_CALLS + 76); made < most; made += 1) {
        calls.push(client.unaryUnsafe({}, { timeoutMs: 600_000 }));
      }
      await until(() => ways.frames + ways.grpc >= Math.min(made, MAX_CALLS));
    }
    expect(await atRest(() => ways.frames)).toBe(MAX_CALLS);
    go.resolve();
    await Promise.all(calls);
    expect(ways).toEqual({ frames: MAX_CALLS + 76, grpc: 0 });
  });

  it('takes calls whose requests have a limited length together', async () => {
    const go = deferred();
    const ways = { frames: 0, grpc: 0 };
    const { client } = await startBoth({
      async unaryUnsafe(_request, call) {
        ways[wayOf(call.metadata)] += 1;
        await go.promise;
        return {};
      },
    });
    const call = () =>
      client.unaryUnsafe({ behaviour: { errorReason: 'x'.repeat(64 * 1_024 - 20) } }, { timeoutMs: 600_000 });
    const calls: Promise<unknown>[] = [];
    // Few at a time, so that the server has read them before the next come.
    for (let made = 8; made <= 1_040; made += 8) {
      for (let left = 8; left > 0; left -= 1) calls.push(call());
      await until(() => ways.frames + ways.grpc >= Math.min(made, 1_024));
    }
    expect(await atRest(() => ways.frames)).toBe(1_024);
    go.resolve();
    await Promise.all(calls);
    expect(ways).toEqual({ frames: 1_040, grpc: 0 });
  });

  it('ends calls at a deadline and when their caller leaves, and is as good as before', async () => {
    let begun = 0;
    let ended = 0;
    const { client, proxy } = await startBoth({
      unaryUnsafe(_request, { signal }) {
        begun += 1;
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            ended += 1;
            reject(signal.reason);
          });
        });
      },
    });
    const caller = new AbortController();
    const calls = Array.from({ length: 600 }, (_, index) =>
      failure(client.unaryUnsafe({}, index % 2 === 0 ? { timeoutMs: 1_000 } : { signal: caller.signal })),
    );
    await until(() => begun === 600);
    caller.abort();
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    expect(codes.filter((code) => code === Status.DEADLINE_EXCEEDED)).toHaveLength(300);
    expect(codes.filter((code) => code === Status.CANCELLED)).toHaveLength(300);
    await until(() => ended === 600);
    expect(await client.unary({ text: 'still here' })).toMatchObject({ text: 'still here' });
    expect(proxy.connections).toBe(1);
  });
});

describe('a connection that breaks', () => {
  it('ends an unsafe call as UNAVAILABLE; safe ones go elsewhere', async () => {
    const begun = deferred();
    let runs = 0;
    const wait = async () => {
      runs += 1;
      begun.resolve();
      return await new Promise<never>(() => undefined);
    };
    const { client, proxy } = await startBoth({ unaryUnsafe: wait });
    const unsafe = failure(client.unaryUnsafe({}));
    await begun.promise;
    proxy.cut();
    expect(await unsafe).toMatchObject({
      code: Status.UNAVAILABLE,
      message: expect.stringContaining('the connection broke while the call was in flight'),
    });
    expect(runs).toBe(1);
    expect(await client.unary({ text: 'again' })).toMatchObject({ text: 'again' });
  });

  it('because its server is silent: it is not picked, and the connection ends 5 s later', async () => {
    const clock = new ManualClock();
    const { client, channel, proxy } = await startBoth({}, { clock });
    await client.unary({});
    const seen = () => channel.inspect()[0]?.endpoints[0];
    /** Time passes, in steps in which sockets are read. */
    const pass = async (until: () => boolean) => {
      let passedMs = 0;
      for (; !until(); passedMs += 50) {
        await clock.advance(50);
        await sleep(systemClock, 2);
      }
      return passedMs;
    };
    proxy.stall();
    const unsafe = client.unaryUnsafe({}, { timeoutMs: 60_000 });
    expect(await pass(() => seen()?.held?.startsWith('silent') === true)).toBeLessThanOrEqual(1_500);
    proxy.resume();
    await pass(() => seen()?.held === undefined);
    await unsafe;
    proxy.stall();
    const lost = failure(client.unaryUnsafe({}, { timeoutMs: 60_000 }));
    await pass(() => seen()?.state !== 'ready');
    expect(await lost).toMatchObject({ code: Status.UNAVAILABLE });
  });

  it('by a server that drains: it answers what it took, and no call fails', async () => {
    const servers = [await startServer(), await startServer()];
    const { client } = connect(servers.map(({ address }) => address));
    let over = false;
    let calls = 0;
    const callers = Array.from({ length: 32 }, async () => {
      while (!over) {
        await client.unaryUnsafe({});
        calls += 1;
      }
    });
    await until(() => calls > 1_000);
    await servers[0]?.drain(5_000);
    const before = calls;
    await until(() => calls > before + 1_000);
    over = true;
    await Promise.all(callers);
  });

  it('because its server does not read: calls wait until their deadlines', async () => {
    const { client, proxy } = await startBoth();
    proxy.stall();
    const payload = Buffer.alloc(60_000);
    const calls = Array.from({ length: 50 }, () => failure(client.unary({ payload }, { timeoutMs: 500 })));
    for (const { code } of await Promise.all(calls)) expect(code).toBe(Status.DEADLINE_EXCEEDED);
    proxy.resume();
    expect(await client.unary({ text: 'back' })).toMatchObject({ text: 'back' });
  });
});
