/** Where the time of a call went, over real sockets: each phase shows what was injected into it. */
import { performance } from 'node:perf_hooks';
import { describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { CallTiming } from '../src/call/call-timer.js';
import { type CallOptions, createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { sleep, systemClock } from '../src/exports/clock.js';
import { createRouter, implement, serve } from '../src/exports/server.js';
import { RpcError, Status } from '../src/exports/status.js';
import { startTcpProxy, type TcpProxyOptions } from '../src/testing/tcp-proxy/tcp-proxy.js';
import { failure } from './support/outcome.js';
import { conformanceService } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';
import { watchLateness } from './support/wait.js';

const { closers, connectTo } = socketsOfATest();

type Handler = (request: { readonly payload: Uint8Array }) => Promise<{ payload?: Buffer }>;

/** A client of a server behind a network path, and the times of its calls. */
async function start({
  path = {},
  unary = async () => ({}),
}: {
  path?: Partial<TcpProxyOptions>;
  unary?: Handler;
} = {}) {
  const spinner = implement(AdderServiceDefinition, {
    add({ a }) {
      spin(Number(a));
      return { result: a };
    },
  });
  const router = createRouter({ services: [conformanceService({ unary }), spinner] });
  const server = await serve(router, { listen: '127.0.0.1:0' });
  const proxy = await startTcpProxy({ target: server.address, ...path });
  const channel = createChannel({ resolver: staticResolver([proxy.address], { frames: true }) });
  closers.push(
    () => server.drain(0),
    () => proxy.close(),
    () => channel.close(),
  );
  const client = createClient(ConformanceServiceDefinition, { channel });
  const timed = async (request: object = {}, options: CallOptions = {}) => {
    const seen: CallTiming[] = [];
    const onTiming = (timing: CallTiming) => void seen.push(timing);
    const outcome = await client.unary(request, { ...options, onTiming }).then(
      () => undefined,
      (error) => error,
    );
    const [timing] = seen;
    if (timing === undefined || seen.length > 1) throw new Error(`${seen.length} times were told`);
    // What belongs to one phase is in no other, because together they are the whole.
    expect(sumOf(timing)).toBeCloseTo(timing.totalMs, 6);
    return { timing, outcome };
  };
  return { client, timed, spinner: createClient(AdderServiceDefinition, { channel }) };
}

/** Keeps the event loop busy. */
function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** The phases of a call, without the total. */
const sumOf = ({ totalMs: _, ...phases }: CallTiming): number =>
  Object.values(phases).reduce<number>((sum, ms) => sum + (ms ?? 0), 0);

describe('the times of a call', () => {
  it('add up to its whole time, and only the caller who asks gets them', async () => {
    const { client, timed } = await start();
    const { timing } = await timed();
    expect(timing.connectMs).toBeGreaterThan(0);
    for (const ms of Object.values(timing)) expect(ms).toBeGreaterThanOrEqual(0);
    const timings: unknown[] = [];
    await client.unary({}, { onTrailer: (trailer) => void timings.push(trailer.get('server-timing')) });
    expect(timings).toEqual([undefined]);
  });

  it('show a slow handler as process', async () => {
    const { timed } = await start({ unary: () => sleep(systemClock, 300).then(() => ({})) });
    const { timing } = await timed();
    expect(timing.processMs).toBeGreaterThan(295);
  });

  it('show a long way as propagation, there and back', async () => {
    const { timed } = await start({ path: { roundTripMs: 200 } });
    await timed();
    const { timing } = await timed();
    expect(timing.propagationMs).toBeGreaterThan(195);
  });

  it('show a narrow path as send and receive', async () => {
    const payload = Buffer.alloc(300_000);
    const { timed } = await start({ path: { bytesPerSecond: 1_000_000 }, unary: async () => ({ payload }) });
    await timed();
    const late = watchLateness();
    closers.push(() => late.stop());
    const { timing } = await timed({ payload });
    // Of 300 ms; an end that comes late to the first byte sees less of the way.
    expect((timing.sendMs ?? 0) + late.worstMs).toBeGreaterThan(100);
    expect(timing.receiveMs + late.worstMs).toBeGreaterThan(100);
  });

  it("show a server's busy event loop as queue", async () => {
    const { timed, spinner } = await start();
    await timed();
    // The connections of both are open, so that its frame and the timed request arrive at the same time.
    await spinner.add({ a: 0n, b: 0n });
    const spinning = spinner.add({ a: 400n, b: 0n });
    const { timing } = await timed();
    await spinning;
    // This process is client and server, so both loops were busy.
    expect(timing.queueMs).toBeGreaterThan(300);
  });

  it("show the client's busy event loop as queue", async () => {
    const { timed } = await start();
    await timed();
    const made = timed();
    spin(300);
    expect((await made).timing.queueMs).toBeGreaterThan(290);
  });

  it('of a call that fails are told too, with the time of its handler', async () => {
    let calls = 0;
    const { timed } = await start({
      async unary() {
        calls += 1;
        await sleep(systemClock, 100);
        throw new RpcError(Status.NOT_FOUND, 'nothing there');
      },
    });
    const { timing, outcome } = await timed();
    expect(outcome).toMatchObject({ code: Status.NOT_FOUND, report: { timing } });
    expect(timing.processMs).toBeGreaterThan(95);
    expect(calls).toBe(1);
  });

  it('of a call that found no instance have no attempt', async () => {
    const { client } = connectTo(['127.0.0.1:1']);
    const seen: CallTiming[] = [];
    await failure(client.unary({}, { onTiming: (timing) => void seen.push(timing) }));
    expect(seen).toMatchObject([{ queueMs: 0, sendMs: undefined, processMs: undefined }]);
  });

  it('are not told by a method that streams', async () => {
    const { client } = await start();
    const stream = client.serverStream({ count: 1 }, { onTiming: () => undefined })[Symbol.asyncIterator]();
    expect(await failure(stream.next())).toMatchObject({
      code: Status.INVALID_ARGUMENT,
      message: expect.stringContaining('onTiming'),
    });
  });

  it('cannot be forged by the request', async () => {
    const { timed } = await start({ unary: () => sleep(systemClock, 50).then(() => ({})) });
    const { timing } = await timed({}, { metadata: { 'rondo-timing': '0 1e9', 'server-timing': 'process;dur=0' } });
    expect(timing.processMs).toBeGreaterThan(45);
    expect(timing.sendMs).toBeLessThan(timing.totalMs);
  });
});
