/** Unary calls are served at their HTTP/2 streams. What Rondo doesn't read itself goes to grpc-js, whose answers have a date. */
import { once } from 'node:events';
import http2, { type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { UnaryRequest, UnaryResponse } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { conformanceService } from '../../../test/support/service.js';
import { deferred, until } from '../../../test/support/wait.js';
import type { ServerCall } from '../../call/call.js';
import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { createRouter } from '../router.js';
import { type RpcServer, serve } from './serve.js';

const PATH = '/rondo.conformance.v1.ConformanceService/Unary';

let server: RpcServer;
let session: ClientHttp2Session;
/** The calls that reached the handler, and what it does next. */
let calls: ServerCall[];
let handle: (call: ServerCall) => Promise<void>;

beforeEach(async () => {
  calls = [];
  handle = () => Promise.resolve();
  const service = conformanceService({
    async unary({ text }, call) {
      calls.push(call);
      await handle(call);
      return UnaryResponse.fromPartial({ text });
    },
  });
  server = await serve(createRouter({ services: [service] }), { listen: '127.0.0.1:0' });
  session = http2.connect(`http://${server.address}`);
});

afterEach(async () => {
  session.destroy();
  await server.drain(0);
});

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

  it('is left to grpc-js if its request may be compressed', async () => {
    const { header, trailer, body } = await call({ 'grpc-encoding': 'gzip' }, framed(gzipSync(hello), 1));
    expect(header).toHaveProperty('date');
    expect(trailer).toMatchObject({ 'grpc-status': OK });
    expect(UnaryResponse.decode(body.subarray(5)).text).toBe('hello');
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
