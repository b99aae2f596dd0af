/** Unary calls are served at their HTTP/2 streams, and none by grpc-js, whose answers have a date. */
import { EventEmitter, once } from 'node:events';
import http2, { type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { UnaryRequest, UnaryResponse } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { conformanceService } from '../../../test/support/service.js';
import { deferred, until } from '../../../test/support/wait.js';
import type { ServerCall } from '../../call/call.js';
import { ManualClock } from '../../exports/testing.js';
import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { createRouter, type Router } from '../router.js';
import { type RpcServer, type ServeOptions, serve } from './serve.js';
import { UnaryStreams } from './unary-stream.js';

const PATH = '/rondo.conformance.v1.ConformanceService/Unary';

let server: RpcServer;
let session: ClientHttp2Session;
/** The calls that reached the handler, and what it does next. */
let calls: ServerCall[];
let handle: (call: ServerCall) => Promise<void>;
/** How many calls reached the router. */
let routed: number;

const service = conformanceService({
  async unary({ text }, call) {
    calls.push(call);
    await handle(call);
    return UnaryResponse.fromPartial({ text });
  },
});

beforeEach(async () => {
  calls = [];
  routed = 0;
  handle = () => Promise.resolve();
  await start();
});

async function start(options: Partial<ServeOptions> = {}): Promise<void> {
  const { clock } = options;
  const router = createRouter({ services: [service], ...(clock && { clock }) });
  const counted: Router = {
    ...router,
    handle(received) {
      routed += 1;
      return router.handle(received);
    },
  };
  server = await serve(counted, { listen: '127.0.0.1:0', ...options });
  session = http2.connect(`http://${server.address}`);
}

afterEach(stop);

async function stop(): Promise<void> {
  session.destroy();
  await server.drain(0);
}

function begin(headers: OutgoingHttpHeaders = {}) {
  const fixed = { ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request({ ...fixed, ...headers });
  stream.on('error', () => undefined);
  return stream;
}

function framed(payload: Uint8Array, flag = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

const hello = Buffer.from(UnaryRequest.encode(UnaryRequest.fromPartial({ text: 'hello' })).finish());

interface Answer {
  readonly header: IncomingHttpHeaders;
  readonly trailer: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The whole answer of a stream. A status without a message is a header. */
async function answerOf(stream: ReturnType<typeof begin>): Promise<Answer> {
  const [header] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  let trailer = header;
  stream.once('trailers', (received: IncomingHttpHeaders) => {
    trailer = received;
  });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return { header, trailer, body: Buffer.concat(chunks) };
}

function call(headers: OutgoingHttpHeaders = {}, body = framed(hello)): Promise<Answer> {
  const stream = begin(headers);
  stream.end(body);
  return answerOf(stream);
}

const OK = String(Status.OK);

describe('a unary call', () => {
  it('is answered below grpc-js', async () => {
    const { header, trailer, body } = await call();
    expect(header).not.toHaveProperty('date');
    expect(header).toMatchObject({ ':status': 200, 'content-type': 'application/grpc+proto' });
    expect(trailer).toMatchObject({ 'grpc-status': OK });
    expect(trailer).not.toHaveProperty('grpc-message');
    expect(UnaryResponse.decode(body.subarray(5)).text).toBe('hello');
    expect(body.readUInt32BE(1)).toBe(body.length - 5);
  });

  it('fails with its status alone', async () => {
    handle = () => Promise.reject(new Error('a fault'));
    const { header, body } = await call();
    expect(header).not.toHaveProperty('date');
    expect(header).toMatchObject({ ':status': 200, 'grpc-status': String(Status.INTERNAL) });
    expect(body).toHaveLength(0);
  });

  it('has a message in its status that is percent-encoded', async () => {
    handle = () => Promise.reject(new RpcError(Status.ABORTED, 'd\u00e9j\u00e0 vu: 100 %'));
    const { header } = await call();
    expect(header).toMatchObject({ 'grpc-status': String(Status.ABORTED) });
    expect(header['grpc-message']).toBe('d%C3%A9j%C3%A0%20vu:%20100%20%25');
  });

  it('ends at its deadline if its request is still on its way', async () => {
    const stream = begin({ 'grpc-timeout': '50m' });
    stream.write(framed(hello).subarray(0, 7));
    const { header } = await answerOf(stream);
    expect(header).toMatchObject({ 'grpc-status': String(Status.DEADLINE_EXCEEDED) });
    expect(calls).toHaveLength(0);
  });

  it('ends at its deadline if its handler goes on', async () => {
    handle = ({ signal }) => once(signal, 'abort').then(() => undefined);
    const { header } = await call({ 'grpc-timeout': '50m' });
    expect(header).toMatchObject({ 'grpc-status': String(Status.DEADLINE_EXCEEDED) });
    expect(calls).toHaveLength(1);
  });

  it('is cancelled if its client resets it', async () => {
    const left = deferred<unknown>();
    handle = async ({ signal }) => {
      await once(signal, 'abort');
      left.resolve(signal.reason);
    };
    const stream = begin();
    stream.end(framed(hello));
    await until(() => calls.length === 1);
    stream.close(http2.constants.NGHTTP2_CANCEL);
    expect(await left.promise).toMatchObject({ code: Status.CANCELLED });
  });

  it('reaches no handler if its client resets it before its request is whole', async () => {
    const stream = begin();
    stream.write(framed(hello).subarray(0, 7));
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await once(stream, 'close');
    expect((await call()).trailer).toMatchObject({ 'grpc-status': OK });
    expect(calls).toHaveLength(1);
  });

  it('may send its header before its reply', async () => {
    const go = deferred<void>();
    handle = async (received) => {
      received.header.set('x-early', 'yes');
      received.sendHeader();
      await go.promise;
    };
    const stream = begin();
    stream.end(framed(hello));
    const [header] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    expect(header).toMatchObject({ 'x-early': 'yes' });
    go.resolve();
    const [trailer] = (await once(stream.resume(), 'trailers')) as [IncomingHttpHeaders];
    expect(trailer).toMatchObject({ 'grpc-status': OK });
  });

  it('fails after its header with a status in the trailer', async () => {
    handle = (received) => {
      received.sendHeader();
      return Promise.reject(new Error('a fault'));
    };
    const { header, trailer } = await call();
    expect(header).not.toHaveProperty('grpc-status');
    expect(trailer).toMatchObject({ 'grpc-status': String(Status.INTERNAL) });
  });
});

/** What a status says, as its client reads it. */
function statusIn(headers: IncomingHttpHeaders) {
  return { code: Number(headers['grpc-status']), message: decodeURI(String(headers['grpc-message'])) };
}

describe('a unary call whose client has left before it is served', () => {
  it("isn't left to grpc-js, which has no handler for it", () => {
    const { methods, handle: answer } = createRouter({ services: [service] });
    const streams = new UnaryStreams(methods, Object.assign(Object.create(null), { handle: answer }));
    // Node's streams lose their session when they are destroyed.
    const destroyed = Object.assign(new EventEmitter(), { session: undefined });
    const take = (path: string) => Reflect.apply(streams.take, streams, [destroyed, { ':path': path }]);
    expect([take(PATH), take(PATH.replace('Unary', 'ServerStream'))]).toEqual([true, false]);
  });
});

describe('a unary call that is refused by its headers', () => {
  it.each(['zstd', '__proto__', 'gzip, gzip', ''])('has an unknown encoding: "%s"', async (encoding) => {
    for (const body of [framed(hello), framed(hello, 1)]) {
      const { header } = await call({ 'grpc-encoding': encoding }, body);
      expect(header).not.toHaveProperty('date');
      expect(header).toMatchObject({ ':status': 200, 'grpc-accept-encoding': 'identity,deflate,gzip' });
      expect(statusIn(header)).toEqual({
        code: Status.UNIMPLEMENTED,
        message: `the grpc-encoding "${encoding}" is not supported; send gzip, deflate or identity`,
      });
    }
    expect(calls).toHaveLength(0);
  });

  it.each(['', '1', '1.5S', '999999999S', '1S,1S', '-1S'])('has an invalid timeout: "%s"', async (timeout) => {
    const { header } = await call({ 'grpc-timeout': timeout });
    expect(header).not.toHaveProperty('date');
    expect(statusIn(header)).toEqual({
      code: Status.INTERNAL,
      message: `the grpc-timeout "${timeout}" is not valid; send at most 8 digits and one of H, M, S, m, u and n`,
    });
    expect(calls).toHaveLength(0);
  });

  it('repeats no more of a header than its status can have', async () => {
    const long = '\u00e9'.repeat(20_000);
    for (const key of ['grpc-encoding', 'grpc-timeout']) {
      const { header } = await call({ [key]: Buffer.from(long, 'latin1').toString('latin1') });
      expect(statusIn(header).message).toContain(` "${long.slice(0, 100)}" is not`);
    }
  });
});

describe('a unary call whose request is compressed', () => {
  it.each([
    ['gzip', gzipSync(hello), 1],
    ['deflate', deflateSync(hello), 1],
    ['gzip', hello, 0],
    ['identity', hello, 0],
  ])('is served: by %s', async (encoding, message, flag) => {
    const { header, trailer, body } = await call({ 'grpc-encoding': encoding }, framed(message, flag));
    expect(header).not.toHaveProperty('date');
    expect(trailer).toMatchObject({ 'grpc-status': OK });
    expect(UnaryResponse.decode(body.subarray(5)).text).toBe('hello');
    const [{ metadata } = { metadata: undefined }] = calls;
    expect([...(metadata ?? [])].map(([key]) => key)).not.toContain('grpc-encoding');
  });

  it.each([
    {
      what: 'too long',
      message: gzipSync(Buffer.alloc(4 * 1024 * 1024 + 1)),
      status: [Status.RESOURCE_EXHAUSTED, 'the request decompresses to more than 4194304 bytes'],
    },
    {
      what: 'broken',
      message: gzipSync(hello).subarray(0, -9),
      status: [Status.INTERNAL, 'the request can not be decompressed as gzip'],
    },
  ])('reaches no handler if it is $what', async ({ message, status: [code, text] }) => {
    const { header } = await call({ 'grpc-encoding': 'gzip' }, framed(message, 1));
    expect(header).not.toHaveProperty('date');
    expect(statusIn(header)).toEqual({ code, message: expect.stringContaining(String(text)) });
    expect(calls).toHaveLength(0);
  });

  it('fails if its handler fails', async () => {
    handle = () => Promise.reject(new RpcError(Status.ABORTED, 'not now'));
    const { header } = await call({ 'grpc-encoding': 'gzip' }, framed(gzipSync(hello), 1));
    expect(statusIn(header)).toEqual({ code: Status.ABORTED, message: 'not now' });
  });
});

describe('a unary call that ends while its request is decompressed', () => {
  const LONG_BYTES = 16 * 1024 * 1024;
  /** zlib takes a turn of the event loop for each 16 KiB: a thousand, of which what a client does meanwhile takes a few. */
  const slow = framed(gzipSync(Buffer.concat([hello, unknownField(LONG_BYTES)])), 1);
  const gzip = { 'grpc-encoding': 'gzip' };
  let clock: ManualClock;

  beforeEach(async () => {
    await stop();
    clock = new ManualClock();
    await start({ clock, maxRequestBytes: 2 * LONG_BYTES });
  });

  /** A call whose request the server has read. */
  async function sent(headers: OutgoingHttpHeaders) {
    if (session.connecting) await once(session, 'connect');
    const stream = begin({ ...gzip, ...headers });
    stream.end(slow);
    await once(stream, 'finish');
    await new Promise((resolve) => session.ping(resolve));
    expect(routed).toBe(0);
    return stream;
  }

  /** Waits until a call that was sent before would have begun. */
  async function outlast(): Promise<void> {
    expect((await call(gzip, slow)).trailer).toMatchObject({ 'grpc-status': OK });
  }

  it('does not begin if its client resets it', async () => {
    const stream = await sent({});
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await outlast();
    expect([routed, calls.length]).toEqual([1, 1]);
  });

  it('does not begin if its deadline passes', async () => {
    const stream = await sent({ 'grpc-timeout': '1S' });
    const answered = answerOf(stream);
    await clock.advance(1_000);
    expect(statusIn((await answered).header)).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    await outlast();
    expect([routed, calls.length]).toEqual([1, 1]);
  });

  it('has no timer left if its request turns out to be broken', async () => {
    await call();
    const { timers } = clock;
    const { header } = await call({ ...gzip, 'grpc-timeout': '1S' }, framed(gzipSync(hello).subarray(0, -9), 1));
    expect(statusIn(header)).toMatchObject({ code: Status.INTERNAL });
    expect(clock.timers).toBe(timers);
  });
});

/** A field of `bytes` zeros that is in no contract. */
function unknownField(bytes: number): Buffer {
  const tag = (100 << 3) | 2;
  return Buffer.concat([Buffer.from([...varint(tag), ...varint(bytes)]), Buffer.alloc(bytes)]);
}

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

describe("a unary call's metadata", () => {
  it('is read from its headers', async () => {
    await call({
      'x-text': ['a', 'b'],
      'x-data-bin': ['AQ', 'AQI=,AQID'],
      'accept-encoding': 'gzip',
      'rondo-peer-identity': 'spiffe://example.org/admin',
      'rondo-http2-stream': '1',
      'x-latin': Buffer.from('caf\u00e9', 'latin1').toString('latin1'),
    });
    const [{ metadata } = { metadata: undefined }] = calls;
    expect(metadata?.get('x-text')).toBe('a, b');
    expect(metadata?.getAll('x-data-bin').map((bytes) => [...bytes])).toEqual([[1], [1, 2], [1, 2, 3]]);
    const keys = [...(metadata ?? [])].map(([key]) => key);
    expect(keys).toEqual(expect.arrayContaining(['x-text', 'x-data-bin']));
    const hidden = ['accept-encoding', 'rondo-peer-identity', 'rondo-http2-stream'];
    for (const absent of [...hidden, 'x-latin', ':path', 'content-type', 'te']) {
      expect(keys).not.toContain(absent);
      expect(metadata?.has(absent)).toBe(false);
    }
  });

  it('is sent with each value, and bytes without padding', async () => {
    handle = ({ header, trailer }) => {
      header.append('x-data-bin', Buffer.from([1]));
      for (const value of ['1', '2', '3']) trailer.append('x-text', value);
      for (const metadata of [header, trailer]) metadata.append('constructor', 'a name that each object has');
      trailer.append('x-data-bin', Buffer.from([1, 2]));
      trailer.append('x-data-bin', Buffer.from([1, 2, 3]));
      return Promise.resolve();
    };
    const { header, trailer } = await call();
    expect(header).toMatchObject({ 'x-data-bin': 'AQ', constructor: 'a name that each object has' });
    expect(trailer).toMatchObject({
      constructor: 'a name that each object has',
      'x-text': '1, 2, 3',
      'x-data-bin': 'AQI, AQID',
    });
  });
});
