import { Status } from '../../src/exports/status.js';
import {
  ACK,
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  type Header,
  headersFrame,
  message,
  PADDED,
  settings,
  TYPE,
  uint32,
} from '../attacks/frames.js';
import {
  type Answer,
  answer,
  begin,
  data,
  deafening,
  ending,
  GRPC,
  headers,
  MESSAGE,
  OK,
  raw,
  trailers,
} from './answer.js';

const times = <T>(count: number, item: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => item(index));

/** Bytes that HPACK can't shorten, in ASCII. */
const solid = (bytes: number) => Array.from({ length: bytes }, (_, index) => '"#$&@^{}'[(index * 5) % 8]).join('');

/** A header block, in as many frames as it needs. */
const inParts =
  (list: readonly Header[]) =>
  (stream: number): Buffer => {
    const payload = block(list);
    const count = Math.ceil(payload.length / 16_384);
    return Buffer.concat(
      times(count, (index) => {
        const part = payload.subarray(index * 16_384, (index + 1) * 16_384);
        const flags = index === count - 1 ? END_HEADERS : 0;
        return frame(index === 0 ? TYPE.HEADERS : TYPE.CONTINUATION, { stream, flags, payload: part });
      }),
    );
  };

const fragment =
  (...bytes: readonly number[]) =>
  (stream: number) =>
    frame(TYPE.HEADERS, { stream, flags: END_HEADERS, payload: Buffer.from(bytes) });

const on =
  (type: number, options: Omit<Parameters<typeof frame>[1] & object, 'stream'> = {}) =>
  (stream: number) =>
    frame(type, { stream, ...options });

const REST = [begin(), MESSAGE, OK] as const;

/** Frames that a client has to accept: the answer after them is taken. */
const borne: readonly Answer[] = [
  answer(
    'frames of an unknown kind',
    Status.OK,
    raw(...times(200, () => frame(0xee, { payload: uint32(1) }))),
    ...REST,
  ),
  answer('PRIORITY', Status.OK, on(TYPE.PRIORITY, { payload: Buffer.from([0, 0, 0, 0, 16]) }), ...REST),
  answer('100 PINGs', Status.OK, raw(...times(100, () => frame(TYPE.PING, { payload: Buffer.alloc(8) }))), ...REST),
  answer('100 SETTINGS', Status.OK, raw(...times(100, () => settings())), ...REST),
  answer('unknown SETTINGS', Status.OK, raw(settings([0xff, 1], [0, 0])), ...REST),
  answer('SETTINGS of a window of no bytes', Status.OK, raw(settings([4, 0])), ...REST, raw(settings([4, 65_535]))),
  answer('SETTINGS of headers of no bytes', Status.OK, raw(settings([6, 0])), ...REST),
  answer(
    '1,000 WINDOW_UPDATEs',
    Status.OK,
    raw(...times(1_000, () => frame(TYPE.WINDOW_UPDATE, { payload: uint32(1) }))),
    ...REST,
  ),
  answer(
    'RST_STREAM of a stream that is over',
    Status.OK,
    ...REST,
    'seen',
    on(TYPE.RST_STREAM, { payload: uint32(2) }),
  ),
  answer(
    'WINDOW_UPDATE of a stream that is over',
    Status.OK,
    ...REST,
    'seen',
    on(TYPE.WINDOW_UPDATE, { payload: uint32(9) }),
  ),
  answer('a header of 15 KiB', Status.OK, begin(['x-large', solid(15 * 1024)]), MESSAGE, OK),
  answer(
    'headers of 80 KiB in 20 parts',
    Status.OK,
    inParts([...GRPC, ...times(20, (index) => [`k${index}`, solid(4_000)] as const)]),
    MESSAGE,
    OK,
  ),
  answer(
    '120 headers',
    Status.OK,
    inParts([...GRPC, ...times(120, (index) => [`k${index}`, 'v'] as const)]),
    MESSAGE,
    OK,
  ),
];

/** Frames that break a stream, by HTTP/2 or by Node's limits. */
const streams: readonly Answer[] = [
  answer(
    '200 headers',
    Status.RESOURCE_EXHAUSTED,
    inParts([...GRPC, ...times(200, (index) => [`k${index}`, 'v'] as const)]),
    MESSAGE,
    OK,
  ),
  answer('data behind the trailers', Status.OK, begin(), MESSAGE, OK, MESSAGE),
  answer('trailers behind the trailers', Status.OK, begin(), MESSAGE, OK, trailers(['grpc-status', '5'])),
  answer('trailers that do not end the stream', Status.INTERNAL, begin(), MESSAGE, headers([['grpc-status', '0']])),
  answer('no :status', Status.INTERNAL, headers([['content-type', 'application/grpc']]), MESSAGE, OK),
  ...['abc', '', '0', '20', '2000', '-1', '101'].map((status) =>
    answer(`:status "${status}"`, Status.INTERNAL, headers([[':status', status], ...GRPC.slice(1)]), MESSAGE, OK),
  ),
  answer('two :status', Status.INTERNAL, headers([...GRPC.slice(0, 1), ...GRPC]), MESSAGE, OK),
  answer(':status behind other headers', Status.INTERNAL, headers([...GRPC].reverse()), MESSAGE, OK),
  answer('a path', Status.INTERNAL, begin([':path', '/']), MESSAGE, OK),
  answer('an unknown pseudo header', Status.INTERNAL, headers([[':evil', '1'], ...GRPC]), MESSAGE, OK),
  answer('an upper-case key', Status.INTERNAL, begin(['X-Upper', '1']), MESSAGE, OK),
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map((key) =>
    answer(`the key ${key}`, Status.INTERNAL, begin([key, 'close']), MESSAGE, OK),
  ),
];

/** Keys and values that Node's HTTP/2 drops without an error. */
const leftOut: readonly Answer[] = (
  [
    ['an empty key', '', '1'],
    ['a key with a space', 'x y', '1'],
    ['a key that is no ASCII', 'x-\u00e9', '1'],
    ['a value with a NUL', 'x-nul', 'a\0b'],
    ['a value with a line break', 'x-lines', 'a\r\nb: c'],
    ['a value that is no ASCII', 'x-latin', '\u00e9\u00ff'],
    ['a value with spaces around it', 'x-space', '  a  '],
  ] as const
).map(([name, key, value]) => answer(name, Status.OK, begin([key, value]), MESSAGE, OK));

/** Frames that break a connection. */
const connections: readonly Answer[] = [
  ending(
    'a WINDOW_UPDATE of too much',
    Status.UNAVAILABLE,
    on(TYPE.WINDOW_UPDATE, { payload: uint32(2 ** 31 - 1) }),
    ...REST,
  ),
  ending('a WINDOW_UPDATE of 0', Status.UNAVAILABLE, on(TYPE.WINDOW_UPDATE, { payload: uint32(0) }), ...REST),
  ending(
    'headers without end',
    Status.UNAVAILABLE,
    inParts([...GRPC, ...times(200, (index) => [`k${index}`, solid(4_000)] as const)]),
    MESSAGE,
    OK,
  ),
  ending('SETTINGS on a stream', Status.UNAVAILABLE, on(TYPE.SETTINGS), ...REST),
  ending('SETTINGS of a window of 2³¹', Status.UNAVAILABLE, raw(settings([4, 2 ** 31])), ...REST),
  ending('SETTINGS of frames of no bytes', Status.UNAVAILABLE, raw(settings([5, 0])), ...REST),
  ending('10,000 SETTINGS', Status.UNAVAILABLE, raw(...times(10_000, () => settings()))),
  ending('PING on a stream', Status.UNAVAILABLE, on(TYPE.PING, { payload: Buffer.alloc(8) }), ...REST),
  ending(
    'RST_STREAM of a stream that is none',
    Status.UNAVAILABLE,
    raw(frame(TYPE.RST_STREAM, { stream: 999, payload: uint32(8) })),
    ...REST,
  ),
  ending('HEADERS on no stream', Status.UNAVAILABLE, raw(headersFrame(GRPC, { stream: 0 })), ...REST),
  ending('HEADERS on a stream that is none', Status.UNAVAILABLE, raw(headersFrame(GRPC, { stream: 999 })), ...REST),
  ending('HEADERS on a stream of the server', Status.UNAVAILABLE, raw(headersFrame(GRPC, { stream: 2 })), ...REST),
  ending(
    'a WINDOW_UPDATE of too much for all',
    Status.UNAVAILABLE,
    raw(frame(TYPE.WINDOW_UPDATE, { payload: uint32(2 ** 31 - 1) })),
    ...REST,
  ),
  ending('a push to a stream of the client', Status.UNAVAILABLE, promise(3), ...REST),
  ending('a push to no stream', Status.UNAVAILABLE, promise(0), ...REST),
  ending('an unrequested push', Status.OK, promise(2), ...REST),
  ending(
    'a push, and its answer',
    Status.OK,
    promise(2),
    raw(headersFrame(GRPC, { stream: 2, flags: END_HEADERS | END_STREAM })),
    ...REST,
  ),
];

/** Frames that break a connection so that Node 20 stops reading it. */
const deafenings: readonly Answer[] = [
  deafening('data before the header', MESSAGE, ...REST),
  deafening('a value of 100 KiB', inParts([...GRPC, ['x-large', solid(100 * 1024)]]), MESSAGE, OK),
  deafening('SETTINGS of five bytes', raw(frame(TYPE.SETTINGS, { payload: Buffer.alloc(5) })), ...REST),
  deafening(
    'an acknowledgement with settings',
    raw(frame(TYPE.SETTINGS, { flags: ACK, payload: Buffer.alloc(6) })),
    ...REST,
  ),
  deafening('PING of seven bytes', raw(frame(TYPE.PING, { payload: Buffer.alloc(7) })), ...REST),
  deafening('GOAWAY of no bytes', raw(frame(TYPE.GOAWAY)), ...REST),
  deafening('RST_STREAM of three bytes', on(TYPE.RST_STREAM, { payload: Buffer.alloc(3) }), ...REST),
  deafening('DATA on no stream', raw(frame(TYPE.DATA, { payload: message() })), ...REST),
  deafening('DATA on a stream that is none', raw(frame(TYPE.DATA, { stream: 999, payload: message() })), ...REST),
  deafening('HEADERS cut by another frame', on(TYPE.HEADERS, { payload: block(GRPC) }), MESSAGE, OK),
  deafening(
    'trailers cut by another frame',
    begin(),
    MESSAGE,
    on(TYPE.HEADERS, {
      flags: END_STREAM,
      payload: block([
        ['grpc-status', '0'],
        ['x-cut', 'off'],
      ]),
    }),
    raw(frame(TYPE.PING, { payload: Buffer.alloc(8) })),
  ),
  deafening('CONTINUATION of nothing', on(TYPE.CONTINUATION, { flags: END_HEADERS }), ...REST),
  deafening(
    'DATA with more padding than bytes',
    begin(),
    on(TYPE.DATA, { flags: PADDED, payload: Buffer.from([200, 0]) }),
    OK,
  ),
  deafening('a frame of 16,385 bytes', begin(), data(Buffer.alloc(16_385)), OK),
  deafening('a frame that says it has 16 MiB', begin(), on(TYPE.DATA, { length: 2 ** 24 - 1 })),
  deafening('a field that the table has not', fragment(0xff, 0x80, 0x7f), MESSAGE, OK),
  deafening('field 0 of the table', fragment(0x80), MESSAGE, OK),
  deafening('Huffman that is none', fragment(0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00), MESSAGE, OK),
  deafening('a table of 4 GiB', fragment(0x3f, 0xe1, 0xff, 0xff, 0xff, 0x0f), MESSAGE, OK),
  deafening('HTTP/1.1 amid HTTP/2', raw(Buffer.from('HTTP/1.1 408 Request Timeout\r\n\r\n'))),
  deafening('rubbish', raw(Buffer.alloc(4_096, 0xa5))),
  deafening('a TLS alert', raw(Buffer.from([0x15, 3, 1, 0, 2, 2, 40]))),
];

function promise(promised: number) {
  const request = block([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'pushed'],
  ]);
  return on(TYPE.PUSH_PROMISE, { flags: END_HEADERS, payload: Buffer.concat([uint32(promised), request]) });
}

/** Frames that start a connection instead of SETTINGS. */
const greetings: readonly Answer[] = (
  [
    ['HTTP/1.1', Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')],
    ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.6\r\n')],
    ['a TLS alert', Buffer.from([0x15, 3, 1, 0, 2, 2, 40])],
    ['rubbish', Buffer.alloc(4_096, 0xa5)],
    ['half a frame', Buffer.from([0, 0, 9])],
    ['nothing', Buffer.alloc(0)],
    ['DATA', frame(TYPE.DATA, { stream: 1, payload: message() })],
    ['SETTINGS of five bytes', frame(TYPE.SETTINGS, { payload: Buffer.alloc(5) })],
    ['SETTINGS and GOAWAY', Buffer.concat([settings(), frame(TYPE.GOAWAY, { payload: Buffer.alloc(8) })])],
  ] as const
).map(([name, greeting]) => ({ ...ending(`${name} for a greeting`, Status.UNAVAILABLE), greeting }));

/** Frames that HTTP/2 doesn't allow, or that no peer expects. */
export const frames: readonly Answer[] = [
  ...borne,
  ...streams,
  ...leftOut,
  ...connections,
  ...deafenings,
  ...greetings,
];
