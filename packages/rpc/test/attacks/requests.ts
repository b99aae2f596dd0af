import { type Attempt, framing } from './attempt.js';
import {
  call,
  dataFrame,
  END_HEADERS,
  END_STREAM,
  frame,
  type Header,
  headersFrame,
  message,
  pathOf,
  requestTo,
  TYPE,
  uint32,
} from './frames.js';

const request = requestTo(pathOf('Unary'));
const without = (name: string) => request.filter(([key]) => key !== name);
const replaced = (name: string, value: string) =>
  request.map(([key, old]) => [key, key === name ? value : old] as const);
const withHeader = (...headers: readonly Header[]) => call([...request, ...headers]);
const WAYS = ['in a reply', 'in a stream', 'in a failure'];
/** What the server sends for a reply, a stream and a failure. */
const echoed = (...headers: readonly Header[]) =>
  ['Unary', 'ServerStream', 'UnaryUnsafe'].map((method) => call([...requestTo(pathOf(method)), ...headers]));
const trailers = (...headers: readonly Header[]) => headersFrame(headers, { flags: END_HEADERS | END_STREAM });

const paths = [`${pathOf('Unary')}\u00e9\u00ff`, '/%00%0a%0d', '/rondo.Keepalive/Ask'];

/** Requests that a server answers when it has read their headers. */
const answeredAtOnce: Readonly<Record<string, readonly Header[]>> = {
  'no format': without('content-type'),
  'another format': replaced('content-type', 'text/plain'),
  'another method of HTTP': replaced(':method', 'GET'),
  'no path of a method': requestTo('/'),
  'no method': requestTo(pathOf('none')),
  'an invalid timeout': [...request, ['grpc-timeout', 'x']],
};

/** Requests that no gRPC client sends. Those whose outcome is one of its own are in `test/requests`, and do no harm either. */
export const requests: readonly Attempt[] = [
  framing('no authority', call(without(':authority'))),
  framing(
    'CONNECT',
    call([
      [':method', 'CONNECT'],
      [':authority', 'victim'],
      ['content-type', 'application/grpc'],
    ]),
  ),
  framing('CONNECT to a protocol', call([[':protocol', 'websocket'], ...replaced(':method', 'CONNECT')])),
  ...['HEAD', 'PRI', '', 'P OST'].map((method) => framing(`the method "${method}"`, call(replaced(':method', method)))),
  ...paths.map((path) => framing(`the path "${path.slice(0, 60)}"`, call(replaced(':path', path)))),
  framing('grpc-timeout twice', withHeader(['grpc-timeout', '1S'], ['grpc-timeout', '2S'])),
  framing('an expired call of a stream', headersFrame([...requestTo(pathOf('BidiStream')), ['grpc-timeout', '1n']])),
  framing('a content type that is no ASCII', call(replaced('content-type', 'application/grpcé'))),
  framing('the content type twice', withHeader(['content-type', 'application/grpc'])),
  framing('an empty key', withHeader(['', '1'])),
  framing('a key with a space', withHeader(['x y', '1'])),
  framing('a value with a NUL', withHeader(['x-nul', 'a\0b'])),
  framing('a value with a line break', withHeader(['x-lines', 'a\r\nx-other: b'])),
  framing('a value that is no ASCII', withHeader(['x-latin', '\u00e9\u00ff'])),
  framing('the key http2-settings', withHeader(['http2-settings', 'close'])),
  framing('another host', withHeader(['host', 'other'], ['host', 'another'])),
  framing('expect: 100-continue', withHeader(['expect', '100-continue'])),
  framing('two tokens', withHeader(['authorization', 'a'], ['authorization', 'b'])),
  framing('keys of prototypes', withHeader(['__proto__', '1'], ['constructor', '2'], ['__proto__', '3'])),
  framing('the mark of a server', withHeader(['rondo-not-handled', pathOf('Unary')], ['rondo-served-by', 'me'])),
  framing('a status as a request', withHeader(['grpc-status', '0'], ['grpc-message', '%'], ['grpc-status', 'x'])),
  framing('a trace that is none', withHeader(['traceparent', `00-${'0'.repeat(5_000)}`], ['tracestate', ','])),
  framing('trailers by a client', headersFrame(request), dataFrame(message(), { flags: 0 }), trailers(['x-late', '1'])),
  ...['http2-settings', 'host', 'trailer', 'content-length', 'keep-alive', 'date', 'etag', 'set-cookie'].flatMap(
    (key) => echoed([key, '5']).map((bytes, index) => framing(`${key}, which comes back ${WAYS[index]}`, bytes)),
  ),
  ...echoed(...Array.from({ length: 110 }, (_, index) => [`k${index}`, 'v'] as const)).map((bytes, index) =>
    framing(`110 headers that come back ${WAYS[index]}`, bytes),
  ),
  ...Object.entries(answeredAtOnce).flatMap(([what, headers]) => [
    framing(`${what}, reset at once`, headersFrame(headers), frame(TYPE.RST_STREAM, { stream: 1, payload: uint32(2) })),
    framing(
      `${what}, closed at once`,
      headersFrame(headers),
      frame(TYPE.RST_STREAM, { stream: 1, payload: uint32(0) }),
    ),
    framing(`${what}, and a frame that ends the connection`, headersFrame(headers), frame(TYPE.PING, { stream: 1 })),
  ]),
  ...['ClientStream', 'BidiStream', 'ServerStream'].map((method) =>
    framing(
      `${method} by HEAD, with a message`,
      headersFrame(requestTo(pathOf(method)).map(([key, value]) => [key, key === ':method' ? 'HEAD' : value])),
      dataFrame(message(Buffer.from([0x08, 0x02]))),
    ),
  ),
  framing('an end without a message', headersFrame(request, { flags: END_HEADERS | END_STREAM })),
  framing('a request that never ends', headersFrame(request)),
];
