/** What one client may take from a server: connections, time for the first frame, and the memory of unread replies. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { sleep, systemClock } from '../src/exports/clock.js';
import type { serve } from '../src/exports/server.js';
import { Status } from '../src/exports/status.js';
import { ManualClock } from '../src/exports/testing.js';
import { startTcpProxy } from '../src/testing/tcp-proxy/tcp-proxy.js';
import { MAX_OPEN_CALLS, OPEN_CALL } from '../src/wire/limits.js';
import { firstOf, open } from './attacks/attempt.js';
import { BEGIN, PREFACE, pathOf } from './attacks/frames.js';
import { failure } from './support/outcome.js';
import { connectRaw } from './support/raw-frames.js';
import { recordingLogger, warningsIn } from './support/recording-logger.js';
import { socketsOfATest } from './support/sockets.js';
import { endless } from './support/stream.js';
import { deferred, HANG_MS, until } from './support/wait.js';

const { closers, connectTo, startServer } = socketsOfATest();

const REPLY_BYTES = 60 * 1024;
/** Why a test can't use a second address of this machine. */
const oneAddress =
  process.platform === 'linux'
    ? undefined
    : 'needs a second loopback address, which only Linux has without being set up';

async function start(options: Partial<Parameters<typeof serve>[1]> = {}) {
  const { logger, lines } = recordingLogger();
  let answered = 0;
  const handlers = {
    async unary({ text }: { readonly text: string }) {
      answered += 1;
      return { text: text === 'long' ? 'x'.repeat(REPLY_BYTES) : text };
    },
  };
  const server = await startServer(handlers, {
    ...options,
    router: { logger, ...(options.clock && { clock: options.clock }) },
  });
  const { client } = connectTo([server.address], { connectTimeoutMs: HANG_MS });
  return { server, client, lines: () => warningsIn(lines), answered: () => answered };
}

const isOpen = (socket: Socket) => !socket.destroyed;

/** Opens `count` connections that begin HTTP/2, and returns them once the server has answered or closed each. */
async function connect(port: number, count: number, from?: string): Promise<Socket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open({ port, ...(from && { from }) })));
  closers.push(() => sockets.map((socket) => socket.destroy()));
  for (const socket of sockets) socket.write(BEGIN);
  await Promise.all(sockets.map((socket) => firstOf(socket, ['data', 'close'])));
  return sockets;
}

describe('a server', () => {
  it.each([
    ['of one address', { maxConnectionsPerAddress: 100 }, 'its address has 100 connections'],
    ['of all clients', { maxConnections: 100 }, 'this server has 100 connections'],
  ])('refuses connections above its bound %s with one line, and serves those it has', async (_which, bound, line) => {
    const { server, client, lines } = await start(bound);
    expect((await client.unary({ text: 'before' })).text).toBe('before');
    const sockets = await connect(server.port, 300);
    expect(sockets.filter(isOpen)).toHaveLength(99);
    expect(lines()).toEqual([expect.stringContaining(line)]);
    expect(server.refusedConnections).toEqual({ handshake: 0, limit: 201 });
    expect((await client.unary({ text: 'meanwhile' })).text).toBe('meanwhile');
    for (const socket of sockets) socket.destroy();
    await until(async () => (await connect(server.port, 1)).some(isOpen));
  });

  it('admits as many without these bounds', async () => {
    const { server, lines } = await start({ maxConnections: 1_000, maxConnectionsPerAddress: 1_000 });
    const sockets = await connect(server.port, 300);
    expect(sockets.filter(isOpen)).toHaveLength(300);
    expect({ lines: lines(), refused: server.refusedConnections }).toEqual({
      lines: [],
      refused: { handshake: 0, limit: 0 },
    });
  });

  (oneAddress === undefined ? it : it.skip)(
    oneAddress ?? 'admits a new client of another address while one address has all that it may',
    async () => {
      const { server, client } = await start({ maxConnectionsPerAddress: 100 });
      const sockets = await connect(server.port, 300, '127.0.0.2');
      expect(sockets.filter(isOpen)).toHaveLength(100);
      expect((await client.unary({ text: 'new' })).text).toBe('new');
    },
  );

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half a preface', PREFACE.subarray(0, 9)],
    ['the preface alone', PREFACE],
  ])('cuts a connection that sends %s and then trickles', async (_what, bytes) => {
    const clock = new ManualClock();
    const { server } = await start({ clock });
    const socket = await open({ port: server.port });
    socket.resume().write(bytes);
    if (bytes.length > 0) await once(socket, 'data').catch(() => undefined);
    else await sleep(systemClock, 100);
    await clock.advance(9_999);
    expect(isOpen(socket)).toBe(true);
    await clock.advance(1);
    await firstOf(socket, ['close']);
    expect(isOpen(socket)).toBe(false);
  });
});

describe('a connection of frames', () => {
  it('keeps no timer of a call whose request it refuses', async () => {
    const clock = new ManualClock();
    const { server } = await start({ clock });
    const { socket, send, received, ends } = connectRaw(server.address);
    closers.push(() => socket.destroy());
    await until(() => received.length === 1);
    const { timers } = clock;
    send({ call: { id: 1, method: 0, path: pathOf('Unary'), timeoutMs: 60_000 } });
    send({ message: { id: 1, data: Buffer.alloc(1), more: true, totalBytes: 16 * 1024 * 1024 } });
    await until(() => ends.length === 1);
    expect(clock.timers).toBe(timers);
  });

  it('closes if its client leaves replies unread', async () => {
    const clock = new ManualClock();
    const { server, client, answered } = await start({ clock });
    const { socket, send, received } = connectRaw(server.address);
    closers.push(() => socket.destroy());
    await until(() => received.length === 1);
    socket.pause();
    for (let id = 1; id <= 1_000; id += 1) {
      send({
        call: {
          id,
          method: 0,
          path: id === 1 ? pathOf('Unary') : '',
          message: Buffer.from([0x12, 4, ...Buffer.from('long')]),
        },
      });
    }
    await until(() => answered() === 1_000);
    expect((await client.unary({ text: 'served' })).text).toBe('served');
    const closed = firstOf(socket, ['close']);
    // It reads until its window is full. A period in which it has read anything doesn't count.
    for (let period = 0; period < 6; period += 1) {
      await sleep(systemClock, 100);
      await clock.advance(5_000);
    }
    socket.resume();
    await closed;
  });
});

describe('the open calls of a client', () => {
  /** Nothing but what is tested here bounds its calls. */
  const startUnlimited = (handlers: Parameters<typeof startServer>[0]) =>
    startServer(handlers, { router: { admission: { adaptive: false } } });

  const long = 'x'.repeat(2 * 1024 * 1024);

  it.each(
    [
      { what: 'short calls', bytes: 0, metadata: {}, request: {} },
      { what: 'long metadata', bytes: 15_000, metadata: { a: 'x'.repeat(7_500), b: 'x'.repeat(7_500) }, request: {} },
      { what: 'long requests', bytes: long.length, metadata: {}, request: { behaviour: { errorReason: long } } },
    ].flatMap((calls) => [true, false].map((frames) => ({ ...calls, frames }))),
  )('are refused above its share: $what (frames: $frames)', async ({ frames, bytes, metadata, request }) => {
    const go = deferred();
    let begun = 0;
    let refusal: Error | undefined;
    const server = await startUnlimited({
      async unaryUnsafe() {
        begun += 1;
        await go.promise;
        return {};
      },
    });
    const share = (MAX_OPEN_CALLS / 2) * OPEN_CALL.leastBytes;
    const most = Math.ceil(share / (OPEN_CALL.leastBytes + Math.max(0, bytes - OPEN_CALL.partsBytes)));
    // A connection has at most 10,000 streams of gRPC.
    const [first, second] = [1, 2].map(() => connectTo([server.address], { known: { frames } }).client);
    const calls: Promise<unknown>[] = [];
    while (refusal === undefined && calls.length <= most) {
      const client = calls.length < most / 2 ? first : second;
      for (let left = most > 1_000 ? 512 : 8; left > 0; left -= 1) {
        const call = client?.unaryUnsafe(request, { metadata, timeoutMs: 600_000 });
        calls.push(
          call?.catch((fault) => {
            refusal = fault;
          }) ?? go.promise,
        );
      }
      await until(() => begun === calls.length || refusal !== undefined);
    }
    expect(refusal).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      message: expect.stringContaining('its share of the open calls'),
    });
    expect(begun).toBeLessThan(most + 8);
    expect(begun).toBeGreaterThan(0.8 * most);
    go.resolve();
    await Promise.all(calls);
    await first?.unaryUnsafe({});
  });

  it.each([
    { how: 'it breaks off', frames: true },
    { how: 'it breaks off', frames: false },
    { how: 'it cancels them', frames: true },
  ])('let others pass while thousands of them end: $how (frames: $frames)', async ({ how, frames }) => {
    const ends = deferred();
    let open = 0;
    const server = await startUnlimited({
      unaryUnsafe(_request, { signal }) {
        open += 1;
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            open -= 1;
            ends.resolve();
            reject(signal.reason);
          });
        });
      },
    });
    const proxy = await startTcpProxy({ target: server.address });
    closers.push(() => proxy.close());
    const other = connectTo([server.address]).client;
    await other.unary({});
    const { client } = connectTo([proxy.address], { known: { frames } });
    const caller = new AbortController();
    const options = { timeoutMs: 600_000, signal: caller.signal };
    const calls = Array.from({ length: 4_000 }, () => failure(client.unaryUnsafe({}, options)));
    await until(() => open === calls.length);
    if (how === 'it breaks off') proxy.cut();
    else caller.abort();
    await ends.promise;
    await other.unary({});
    expect(open).toBeGreaterThan(0);
    await Promise.all(calls);
    await until(() => open === 0);
  });

  it.each([true, false])(
    'let others pass if their handlers send without end as they end (frames: %s)',
    async (frames) => {
      let open = 0;
      const server = await startUnlimited({
        async *serverStream() {
          open += 1;
          try {
            yield* endless({ payload: Buffer.alloc(4 * 1024) });
          } finally {
            open -= 1;
          }
        },
      });
      const proxy = await startTcpProxy({ target: server.address });
      closers.push(() => proxy.close());
      const other = connectTo([server.address]).client;
      const { client } = connectTo([proxy.address], { known: { frames } });
      const streams = Array.from({ length: 64 }, () => client.serverStream({})[Symbol.asyncIterator]());
      await Promise.all(streams.map((stream) => stream.next()));
      proxy.cut();
      await other.unary({});
      await until(() => open === 0);
      await Promise.allSettled(streams.map((stream) => stream.return?.()));
    },
  );
});
