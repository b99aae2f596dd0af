import { once } from 'node:events';
import http2, { type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import type { Attempt, Victim } from './attempt.js';
import { message, pathOf, times } from './frames.js';

/** An HTTP/2 client that is malicious or faulty. */
function client(name: string, run: (session: ClientHttp2Session) => Promise<unknown> | unknown): Attempt {
  return [
    name,
    async ({ port, tls }: Victim) => {
      const session = http2.connect(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, tls);
      session.on('error', () => session.destroy());
      await once(session, 'connect');
      await run(session);
      session.destroy();
    },
  ];
}

function request(session: ClientHttp2Session, headers: OutgoingHttpHeaders, { method = 'Unary' } = {}) {
  const stream = session.request({
    ':method': 'POST',
    ':path': pathOf(method),
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  stream.on('error', () => undefined).resume();
  return stream;
}

const closed = (stream: http2.ClientHttp2Stream) =>
  new Promise<void>((resolve) => {
    if (stream.destroyed) resolve();
    else stream.once('close', () => resolve());
  });

/** Clients of HTTP/2, such as curl. */
export const clients: readonly Attempt[] = [
  ...['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'].map((method) =>
    client(`${method} as curl sends it`, async (session) => {
      await closed(session.request({ ':method': method, ':path': '/', accept: '*/*' }).resume());
    }),
  ),
  ...['Unary', 'ServerStream', 'BidiStream', 'ClientStream', 'Missing'].map((method) =>
    client(`HEAD of ${method}`, async (session) => {
      await closed(request(session, { ':method': 'HEAD' }, { method }));
    }),
  ),
  client('a form as curl posts it', async (session) => {
    const stream = request(session, { 'content-type': 'application/x-www-form-urlencoded' });
    stream.end('a=1');
    await closed(stream);
  }),
  client('JSON', async (session) => {
    const stream = request(session, { 'content-type': 'application/json' });
    stream.end('{}');
    await closed(stream);
  }),
  client('gRPC-Web', async (session) => {
    const stream = request(session, { 'content-type': 'application/grpc-web-text' });
    stream.end(message().toString('base64'));
    await closed(stream);
  }),
  client('JSON that says it is gRPC', async (session) => {
    const stream = request(session, {});
    stream.end('{"text":"hello"}');
    await closed(stream);
  }),
  client('3,000 calls that are cancelled', async (session) => {
    for (const stream of times(3_000, () => request(session, {}, { method: 'BidiStream' }))) {
      stream.close(http2.constants.NGHTTP2_CANCEL);
    }
    await new Promise((resolve) => session.ping(() => resolve(undefined)) || resolve(undefined));
  }),
  client('calls that are destroyed as they are answered', async (session) => {
    for (const stream of times(200, () => request(session, {}))) {
      stream.once('response', () => stream.destroy());
      stream.end(message());
      await closed(stream);
    }
  }),
  client('a connection that is destroyed amid 200 calls', (session) => {
    for (const stream of times(200, () => request(session, {}))) stream.end(message());
  }),
  client('a connection that says it goes, and calls on', async (session) => {
    session.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    const stream = request(session, {});
    stream.end(message());
    await closed(stream);
  }),
  client('a window that shrinks amid a stream', async (session) => {
    const stream = request(session, {}, { method: 'ServerStream' });
    stream.end(message(Buffer.from([0x08, 0x64, 0x10, 0x80, 0x80, 0x04])));
    stream.once('data', () => session.settings({ initialWindowSize: 0 }));
    await once(stream, 'data');
    await new Promise<void>((resolve) => {
      session.once('localSettings', () => resolve());
    });
  }),
];
