/** What one client may take from a server: connections, time for the first frame, tunnels, and the memory of unread replies. */
import { once } from 'node:events';
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import * as grpc from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { ConnectRequest } from '@rondo/contracts/rondo/tunnel/v1/tunnel';
import { type Logger, silentLogger } from '../src/exports/call.js';
import { createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { sleep, systemClock } from '../src/exports/clock.js';
import { createRouter, serve } from '../src/exports/server.js';
import { ManualClock } from '../src/exports/testing.js';
import { TUNNEL_PATH } from '../src/transport/tunnel/frames.js';
import { firstOf, open } from './attacks/attempt.js';
import { BEGIN, message, PREFACE, pathOf } from './attacks/frames.js';
import { conformanceService } from './support/service.js';
import { HANG_MS, until } from './support/wait.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const REPLY_BYTES = 60 * 1024;
/** Why a test can't use a second address of this machine. */
const oneAddress =
  process.platform === 'linux'
    ? undefined
    : 'needs a second loopback address, which only Linux has without being set up';

async function start(options: Partial<Parameters<typeof serve>[1]> = {}) {
  const lines: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_fields, text) => void lines.push(text), child: () => log };
  let answered = 0;
  const service = conformanceService({
    async unary({ text }) {
      answered += 1;
      return { text: text === 'long' ? 'x'.repeat(REPLY_BYTES) : text };
    },
  });
  const router = createRouter({ services: [service], logger: log, ...(options.clock && { clock: options.clock }) });
  const server = await serve(router, { listen: '127.0.0.1:0', ...options });
  closers.push(() => server.drain(0));
  const channel = createChannel({ resolver: staticResolver([server.address]), connectTimeoutMs: HANG_MS });
  closers.push(() => channel.close());
  const client = createClient(ConformanceServiceDefinition, { channel });
  return { server, client, lines, answered: () => answered };
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
    expect(lines).toEqual([expect.stringContaining(line)]);
    expect(server.refusedConnections).toEqual({ handshake: 0, limit: 201 });
    expect((await client.unary({ text: 'meanwhile' })).text).toBe('meanwhile');
    for (const socket of sockets) socket.destroy();
    await until(async () => (await connect(server.port, 1)).some(isOpen));
  });

  it('admits as many without these bounds', async () => {
    const { server, lines } = await start({ maxConnections: 1_000, maxConnectionsPerAddress: 1_000 });
    const sockets = await connect(server.port, 300);
    expect(sockets.filter(isOpen)).toHaveLength(300);
    expect({ lines, refused: server.refusedConnections }).toEqual({ lines: [], refused: { handshake: 0, limit: 0 } });
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
    await once(socket, 'data').catch(() => undefined);
    await clock.advance(9_999);
    expect(isOpen(socket)).toBe(true);
    await clock.advance(1);
    await firstOf(socket, ['close']);
    expect(isOpen(socket)).toBe(false);
  });
});

/** A client of plain grpc-js that opens tunnels. */
function connectTunnels(address: string) {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  closers.push(() => client.close());
  const identity = (bytes: Buffer) => bytes;
  const encode = (request: Parameters<typeof ConnectRequest.fromPartial>[0]) =>
    Buffer.from(ConnectRequest.encode(ConnectRequest.fromPartial(request)).finish());
  return () => {
    const stream = client.makeBidiStreamRequest(TUNNEL_PATH, identity, identity);
    stream.on('error', () => undefined);
    const status = new Promise<grpc.StatusObject>((resolve) => stream.once('status', resolve));
    stream.write(encode({ hello: { version: 1 } }));
    return { stream, status, send: (request: Parameters<typeof encode>[0]) => stream.write(encode(request)) };
  };
}

describe('a connection', () => {
  it('has at most eight tunnels', async () => {
    const { server } = await start();
    const connectTunnel = connectTunnels(server.address);
    const tunnels = Array.from({ length: 8 }, () => connectTunnel());
    await Promise.all(tunnels.map(({ stream }) => once(stream, 'data')));
    expect(await connectTunnel().status).toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
      details: expect.stringContaining('at most 8 tunnels'),
    });
    tunnels[0]?.stream.end();
    await tunnels[0]?.status;
    await once(connectTunnel().stream, 'data');
  });

  it('loses a tunnel whose replies it leaves unread', async () => {
    const clock = new ManualClock();
    const { server, client, answered } = await start({ clock });
    const { stream, status, send } = connectTunnels(server.address)();
    await once(stream, 'data');
    stream.pause();
    const calls = Array.from({ length: 1_000 }, (_, id) => ({
      id,
      method: 0,
      path: id === 0 ? pathOf('Unary') : '',
      message: Buffer.from([0x12, 4, ...Buffer.from('long')]),
    }));
    send({ calls });
    await until(() => answered() === 1_000);
    expect((await client.unary({ text: 'served' })).text).toBe('served');
    // It reads until its window is full. A period in which it has read anything doesn't count.
    for (let period = 0; period < 6; period += 1) {
      await sleep(systemClock, 100);
      await clock.advance(5_000);
    }
    stream.resume();
    expect(await status).toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
      details: expect.stringContaining('unread'),
    });
  });
});

it('a message that inflates beyond the limit is cut while it inflates', async () => {
  const { server } = await start();
  // 2 GiB in 2 MB: gzip may have many members.
  const bomb = Buffer.concat(Array<Buffer>(128).fill(gzipSync(Buffer.alloc(16 * 1024 * 1024))));
  const before = process.memoryUsage().rss;
  const session = http2.connect(`http://${server.address}`);
  closers.push(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    ':path': pathOf('Unary'),
    'content-type': 'application/grpc',
    'grpc-encoding': 'gzip',
    te: 'trailers',
  });
  stream.end(message(bomb, { flag: 1 }));
  stream.resume();
  const [headers] = await Promise.race([once(stream, 'trailers'), once(stream, 'response')]);
  expect(headers['grpc-status']).toBe(String(grpc.status.RESOURCE_EXHAUSTED));
  expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
});
