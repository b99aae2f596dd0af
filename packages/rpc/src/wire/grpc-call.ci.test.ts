import { once } from 'node:events';
import http2 from 'node:http2';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { UnaryResponse } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { retainedBytes } from '../../test/support/retained.js';
import {
  answerOf,
  framed,
  HELLO,
  PATH,
  startUnaryServer,
  statusIn,
  type UnaryServer,
  unknownField,
} from '../../test/support/unary-server.js';
import { until } from '../../test/support/wait.js';
import { Status } from '../status/code.js';

const OK = String(Status.OK);
const MIB = 1024 * 1024;

let server: UnaryServer;

beforeEach(async () => {
  server = await startUnaryServer();
});
afterEach(() => server.stop());

describe('a unary call', () => {
  it('is answered by one header, one message and one trailer', async () => {
    const { header, trailer, body } = await server.call();
    expect(header).not.toHaveProperty('date');
    expect(header).toMatchObject({ ':status': 200, 'content-type': 'application/grpc+proto' });
    expect(trailer).toMatchObject({ 'grpc-status': OK });
    expect(trailer).not.toHaveProperty('grpc-message');
    expect(UnaryResponse.decode(body.subarray(5)).text).toBe('hello');
    expect(body.readUInt32BE(1)).toBe(body.length - 5);
  });
});

describe('long requests whose replies stay unread', () => {
  it('are let go of once they are answered', async () => {
    const session = http2.connect(`http://${server.server.address}`, {
      settings: { initialWindowSize: 0 },
      maxSessionMemory: 100,
    });
    const request = framed(Buffer.concat([HELLO, unknownField(MIB)]));
    const before = retainedBytes();
    const replied = Array.from({ length: 20 }, () => {
      const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' });
      stream.on('error', () => undefined).end(request);
      return once(stream, 'response');
    });
    await Promise.all(replied);
    // A call that is kept keeps its request.
    expect(server.calls.splice(0)).toHaveLength(20);
    await until(() => retainedBytes() - before < 5 * MIB);
    session.destroy();
  });
});

describe('long replies that stay unread', () => {
  it('are counted: beyond 128 MB their client is refused further streams', async () => {
    server.reply = 'x'.repeat(1024 * 1024);
    const session = http2.connect(`http://${server.server.address}`, { settings: { initialWindowSize: 0 } });
    const begin = () => {
      const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' });
      stream.on('error', () => undefined).end(framed(HELLO));
      return stream;
    };
    // Without a window the header of a reply comes, and nothing of its message.
    await Promise.all(Array.from({ length: 130 }, () => once(begin(), 'response')));
    const further = begin();
    await new Promise((resolve) => further.once('close', resolve));
    expect(further.rstCode).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(server.calls).toHaveLength(130);
    session.destroy();
    expect((await server.call()).trailer).toMatchObject({ 'grpc-status': OK });
  });
});

describe('a unary call that is refused by its headers', () => {
  it.each(['zstd', '__proto__', 'gzip, gzip', ''])('has an unknown encoding: "%s"', async (encoding) => {
    for (const body of [framed(HELLO), framed(HELLO, 1)]) {
      const { header } = await server.call({ 'grpc-encoding': encoding }, body);
      expect(header).not.toHaveProperty('date');
      expect(header).toMatchObject({ ':status': 200, 'grpc-accept-encoding': 'identity,deflate,gzip' });
      expect(statusIn(header)).toEqual({
        code: Status.UNIMPLEMENTED,
        message: `the grpc-encoding "${encoding}" is not supported; send gzip, deflate or identity`,
      });
    }
    expect(server.calls).toHaveLength(0);
  });

  it.each([
    [{ 'content-type': 'text/html' }, 415, 'this port serves gRPC: send the content type application/grpc'],
    [{ ':method': 'GET' }, 405, 'gRPC calls are made by POST'],
    [{ ':method': 'HEAD' }, 405, ''],
  ])('is none of gRPC (%j): its client reads why', async (headers, status, text) => {
    const stream = server.begin(headers);
    // Node itself ends a GET.
    if (!stream.writableEnded) stream.end();
    const { header, body } = await answerOf(stream);
    expect(header).toMatchObject({ ':status': status });
    expect(String(body)).toBe(text);
    expect(server.calls).toHaveLength(0);
  });

  it('repeats no more of a header than its status can have', async () => {
    const long = '\u00e9'.repeat(20_000);
    for (const key of ['grpc-encoding', 'grpc-timeout']) {
      const { header } = await server.call({ [key]: Buffer.from(long, 'latin1').toString('latin1') });
      expect(statusIn(header).message).toContain(` "${long.slice(0, 100)}" is not`);
    }
  });
});

describe("a unary call's metadata", () => {
  it('is read from its headers', async () => {
    await server.call({
      'x-text': ['a', 'b'],
      'x-data-bin': ['AQ', 'AQI=,AQID'],
      'accept-encoding': 'gzip',
      'x-latin': Buffer.from('caf\u00e9', 'latin1').toString('latin1'),
    });
    const [{ metadata } = { metadata: undefined }] = server.calls;
    expect(metadata?.get('x-text')).toBe('a, b');
    expect(metadata?.getAll('x-data-bin').map((bytes) => [...bytes])).toEqual([[1], [1, 2], [1, 2, 3]]);
    const keys = [...(metadata ?? [])].map(([key]) => key);
    expect(keys).toEqual(expect.arrayContaining(['x-text', 'x-data-bin']));
    for (const absent of ['accept-encoding', 'x-latin', ':path', 'content-type', 'te']) {
      expect(keys).not.toContain(absent);
      expect(metadata?.has(absent)).toBe(false);
    }
  });

  it('is sent with each value, and bytes without padding', async () => {
    server.handle = ({ header, trailer }) => {
      header.append('x-data-bin', Buffer.from([1]));
      for (const value of ['1', '2', '3']) trailer.append('x-text', value);
      for (const metadata of [header, trailer]) metadata.append('constructor', 'a name that each object has');
      trailer.append('x-data-bin', Buffer.from([1, 2]));
      trailer.append('x-data-bin', Buffer.from([1, 2, 3]));
      return Promise.resolve();
    };
    const { header, trailer } = await server.call();
    expect(header).toMatchObject({ 'x-data-bin': 'AQ', constructor: 'a name that each object has' });
    expect(trailer).toMatchObject({
      constructor: 'a name that each object has',
      'x-text': '1, 2, 3',
      'x-data-bin': 'AQI, AQID',
    });
  });
});
