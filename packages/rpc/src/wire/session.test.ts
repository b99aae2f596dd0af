import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { open } from '../../test/attacks/attempt.js';
import {
  dataFrame,
  frame,
  headersFrame,
  PREFACE,
  pathOf,
  requestTo,
  settings,
  TYPE,
  uint32,
} from '../../test/attacks/frames.js';
import { retainedBytes } from '../../test/support/retained.js';
import { servedSessions } from '../../test/support/served-sessions.js';
import { conformanceService } from '../../test/support/service.js';
import { socketsOfATest } from '../../test/support/sockets.js';
import { framed } from '../../test/support/unary-server.js';
import { atRest, deferred, until } from '../../test/support/wait.js';
import type { ServerCall } from '../call/call.js';
import { createChannel, createClient, staticResolver } from '../exports/client.js';
import type { Next } from '../middleware/middleware.js';
import { createRouter } from '../server/router.js';
import { Status } from '../status/code.js';
import { startTcpProxy } from '../testing/tcp-proxy/tcp-proxy.js';
import { serve } from './serve.js';

afterEach(() => {
  jest.restoreAllMocks();
});

const WINDOW_BYTES = 256 * 1024;

describe('the HTTP/2 of a server', () => {
  it('holds nothing by the listeners of a stream that has closed', async () => {
    const sessions = servedSessions();
    const calls: WeakRef<ServerCall>[] = [];
    const note = async (call: ServerCall, next: Next<ServerCall>) => {
      calls.push(new WeakRef(call));
      return next(call);
    };
    const server = await startServer({}, { router: { middleware: [note] } });
    const streams: http2.ServerHttp2Stream[] = [];
    const { client } = connectTo([server.address], { known: { frames: false } });
    await client.unary({});
    sessions[0]?.on('stream', (stream) => streams.push(stream));
    await client.unary({});
    for await (const _reply of client.serverStream({ count: 1 }, { timeoutMs: 5_000 }));
    await client.clientStream(
      (async function* () {
        yield {};
      })(),
      { timeoutMs: 5_000 },
    );
    expect(streams).toHaveLength(3);
    await until(() => streams.every((stream) => stream.closed && stream.destroyed));
    // The streams are still there, and what their listeners refer to isn't.
    await until(() => retainedBytes() > 0 && calls.every((call) => call.deref() === undefined));
  });

  it('ends a stream and its handler at its deadline, although the client reads nothing', async () => {
    const ended = deferred();
    async function* serverStream() {
      try {
        for (;;) yield { payload: Buffer.alloc(64 * 1024) };
      } finally {
        ended.resolve();
      }
    }
    const router = createRouter({ services: [conformanceService({ serverStream })] });
    const server = await serve(router, { listen: '127.0.0.1:0' });
    closers.push(() => server.drain(0));
    const session = http2.connect(`http://${server.address}`, { settings: { initialWindowSize: 0 } });
    closers.push(() => session.destroy());
    const path = pathOf('ServerStream');
    const headers = { 'content-type': 'application/grpc', 'grpc-timeout': '200m' };
    const stream = session.request({ ':method': 'POST', ':path': path, ...headers });
    stream.on('error', () => undefined).end(framed(Buffer.alloc(0)));
    await ended.promise;
    // The call no longer waits for its reader.
    await until(() => router.stats.get(path)?.ended[Status.DEADLINE_EXCEEDED] === 1);
    expect(stream.closed).toBe(false);
    const answered = once(stream, 'trailers');
    session.settings({ initialWindowSize: 1024 * 1024 });
    stream.resume();
    const [trailer] = await answered;
    expect(trailer).toMatchObject({ 'grpc-status': String(Status.DEADLINE_EXCEEDED) });
  });

  it('lets each stream and each connection send 256 KiB before it waits', async () => {
    const server = await startServer();
    const session = http2.connect(`http://${server.address}`);
    closers.push(() => session.destroy());
    await once(session, 'remoteSettings');
    expect(session.remoteSettings.initialWindowSize).toBe(WINDOW_BYTES);
    await until(() => session.state.remoteWindowSize === WINDOW_BYTES);
  });

  it('is allowed as much by a Rondo client', async () => {
    const peer = http2.createServer();
    const connected = once(peer, 'session') as Promise<[http2.ServerHttp2Session]>;
    peer.listen(0, '127.0.0.1');
    closers.push(() => peer.close());
    await once(peer, 'listening');
    const { port } = peer.address() as AddressInfo;
    const channel = createChannel({ resolver: staticResolver([`127.0.0.1:${port}`]) });
    closers.push(() => channel.close());
    const calls = new AbortController();
    const call = createClient(ConformanceServiceDefinition, { channel }).unary({}, { signal: calls.signal });
    const [session] = await connected;
    await until(() => session.remoteSettings.initialWindowSize === WINDOW_BYTES);
    await until(() => session.state.remoteWindowSize === WINDOW_BYTES);
    calls.abort();
    await expect(call).rejects.toMatchObject({ codeName: 'CANCELLED' });
  });
});

const PATH = '/rondo.conformance.v1.ConformanceService/ServerStream';
const HEADERS = { ':method': 'POST', ':path': PATH, te: 'trailers', 'content-type': 'application/grpc' };
const EMPTY_MESSAGE = Buffer.alloc(5);
/** How often a server checks whether a client has sent anything. */
const LOOK_MS = 2_500;

const { closers, startServer, connectTo } = socketsOfATest();

/** A server with a manual clock, whose streams only their callers end. */
async function start() {
  const clock = new ManualClock();
  const begun = deferred<ServerCall>();
  const ended = deferred();
  async function* serverStream(_request: unknown, call: ServerCall) {
    try {
      yield {};
      begun.resolve(call);
      await once(call.signal, 'abort');
    } finally {
      ended.resolve();
    }
  }
  const finish = deferred();
  const unaryUnsafe = async (_request: unknown, call: ServerCall) => {
    begun.resolve(call);
    await finish.promise;
    return {};
  };
  const router = createRouter({ services: [conformanceService({ serverStream, unaryUnsafe })], clock });
  const server = await serve(router, { listen: '127.0.0.1:0', clock });
  closers.push(() => server.drain(0));
  return { clock, server, begun: begun.promise, ended: ended.promise, finish: () => finish.resolve() };
}

/** An HTTP/2 client that opens a stream, reads it and answers pings. */
async function connect(address: string) {
  const session = http2.connect(`http://${address}`);
  session.on('error', () => session.destroy());
  closers.push(() => session.destroy());
  await once(session, 'remoteSettings');
  const stream = session.request(HEADERS);
  stream.on('error', () => stream.destroy());
  stream.resume().end(EMPTY_MESSAGE);
  return { session, stream };
}

/** A client in a process of its own, which can be frozen. */
async function startClientProcess(address: string) {
  const code = `
    const http2 = require('node:http2');
    const session = http2.connect('http://${address}');
    session.request(${JSON.stringify(HEADERS)}).resume().end(Buffer.alloc(5));`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'ignore', 'inherit'] });
  closers.push(async () => {
    const exited = child.exitCode ?? child.signalCode ?? once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  return child;
}

/** Waits until everything that the client sent has been read and noticed: from here on the client is silent. */
async function readWhatCame(clock: ManualClock): Promise<void> {
  await clock.advance(0);
  await clock.advance(LOOK_MS);
}

describe('a server', () => {
  it('ends the stream of a client that is frozen', async () => {
    const { clock, server, begun, ended } = await start();
    const child = await startClientProcess(server.address);
    const { signal } = await begun;
    child.kill('SIGSTOP');
    // The process stops a moment later.
    await until(() =>
      execFileSync('ps', ['-o', 'stat=', '-p', String(child.pid)], { encoding: 'utf8' }).startsWith('T'),
    );
    await readWhatCame(clock);
    // If everything came at once, the silence began before that.
    await clock.advance(29_000 - LOOK_MS);
    expect(signal.aborted).toBe(false);
    await clock.advance(1_000 + LOOK_MS);
    await ended;
    expect(signal.aborted).toBe(true);
  });

  it('ends the stream of a client that was cut off silently', async () => {
    const { clock, server, begun, ended } = await start();
    const proxy = await startTcpProxy({ target: server.address });
    closers.push(() => proxy.close());
    await connect(proxy.address);
    const { signal } = await begun;
    proxy.stall();
    await readWhatCame(clock);
    await clock.advance(30_000);
    await ended;
    expect(signal.aborted).toBe(true);
  });

  it('keeps a long and quiet stream whose client is alive', async () => {
    const { clock, server, begun } = await start();
    const { session, stream } = await connect(server.address);
    const { signal } = await begun;
    for (let minute = 0; minute < 10; minute += 1) {
      const asked = once(session, 'ping');
      // Until the server pings; from then on it waits for the answer.
      for (let waited = 0; waited < 15_000; waited += LOOK_MS) await clock.advance(LOOK_MS);
      await asked;
      // The client answered before it sent this ping. When the server answers it, the server has read both.
      await new Promise((resolve) => session.ping(resolve));
    }
    expect(signal.aborted).toBe(false);
    expect(stream.closed).toBe(false);
  });

  it('finishes calls that outlive its GOAWAY, however quiet the connection is', async () => {
    const { clock, server, begun, finish } = await start();
    const client = new grpc.Client(server.address, grpc.credentials.createInsecure());
    closers.push(() => client.close());
    const identity = (bytes: Buffer) => bytes;
    const path = PATH.replace('ServerStream', 'UnaryUnsafe');
    const reply = new Promise((resolve) => {
      client.makeUnaryRequest(path, identity, identity, Buffer.alloc(0), (error, value) => resolve(error ?? value));
    });
    const { signal } = await begun;
    const drained = server.drain(120_000);
    await clock.advance(119_000);
    expect(signal.aborted).toBe(false);
    finish();
    expect(await reply).toEqual(Buffer.alloc(0));
    await drained;
  });

  it('lets go of a client that reads nothing when its session is destroyed, before its age and after', async () => {
    const sessions = servedSessions();
    const clock = new ManualClock();
    let sent = 0;
    async function* serverStream() {
      for (;;) {
        sent += 1;
        yield { payload: Buffer.alloc(256 * 1024) };
      }
    }
    const router = createRouter({ services: [conformanceService({ serverStream })], clock });
    const maxConnectionAgeMs = 1_000;
    const server = await serve(router, { listen: '127.0.0.1:0', clock, maxConnectionAgeMs });
    closers.push(() => server.drain(0));
    const socket = await open({ port: server.port });
    closers.push(() => socket.destroy());
    const wide = frame(TYPE.WINDOW_UPDATE, { payload: uint32(2 ** 30) });
    const request = [headersFrame(requestTo(PATH)), dataFrame(EMPTY_MESSAGE)];
    socket.pause().write(Buffer.concat([PREFACE, settings([4, 2 ** 30]), wide, ...request]));
    await until(() => sent > 1);
    await atRest(() => sent);
    const [session] = sessions;
    const closed = jest.fn();
    session?.on('close', closed).destroy();
    await clock.advance(2_000);
    expect({ closed: closed.mock.calls.length, timers: clock.timers > 0 }).toEqual({ closed: 0, timers: true });
    await clock.advance(20_000);
    await until(() => closed.mock.calls.length === 1);
  });

  it('keeps no timer for a connection that has ended', async () => {
    const { clock, server, begun, ended } = await start();
    const { session } = await connect(server.address);
    await begun;
    // One pings the client, one waits for the connection's age.
    expect(clock.timers).toBe(2);
    session.destroy();
    await ended;
    await server.drain(0);
    expect(clock.timers).toBe(0);
  });
});
