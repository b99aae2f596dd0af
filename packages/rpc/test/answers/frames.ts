import { Status } from '../../src/exports/status.js';
import {
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  type Header,
  headersFrame,
  headersInParts,
  message,
  numbered,
  settings,
  solid,
  TYPE,
  times,
  uint32,
} from '../attacks/frames.js';
import { type Answer, answers, begin, deafenings, ending, endings, GRPC, headers, MESSAGE, OK, raw } from './answer.js';

const inParts = (list: readonly Header[]) => (stream: number) => headersInParts([...GRPC, ...list], { stream });

const fragment =
  (...bytes: readonly number[]) =>
  (stream: number) =>
    frame(TYPE.HEADERS, { stream, flags: END_HEADERS, payload: Buffer.from(bytes) });

const on =
  (type: number, options: Omit<Parameters<typeof frame>[1] & object, 'stream'> = {}) =>
  (stream: number) =>
    frame(type, { stream, ...options });

function push(promised: number) {
  const request = block([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'pushed'],
  ]);
  return on(TYPE.PUSH_PROMISE, { flags: END_HEADERS, payload: Buffer.concat([uint32(promised), request]) });
}

const REST = [begin(), MESSAGE, OK] as const;
const PING = frame(TYPE.PING, { payload: Buffer.alloc(8) });

/** Frames that a client has to accept: the answer after them is taken. */
const borne = answers(Status.OK, {
  'frames of an unknown kind': [raw(...times(200, () => frame(0xee, { payload: uint32(1) }))), ...REST],
  PRIORITY: [on(TYPE.PRIORITY, { payload: Buffer.from([0, 0, 0, 0, 16]) }), ...REST],
  '100 PINGs': [raw(...times(100, () => PING)), ...REST],
  '100 SETTINGS': [raw(...times(100, () => settings())), ...REST],
  'SETTINGS of a window of no bytes': [raw(settings([4, 0])), ...REST, raw(settings([4, 65_535]))],
  'RST_STREAM of a stream that is over': [...REST, 'seen', on(TYPE.RST_STREAM, { payload: uint32(2) })],
  'a header of 15 KiB': [begin(['x-large', solid(15 * 1024)]), MESSAGE, OK],
  'headers of 80 KiB in 20 parts': [inParts(numbered(20, solid(4_000))), MESSAGE, OK],
  '120 headers': [inParts(numbered(120)), MESSAGE, OK],
  'data behind the trailers': [...REST, MESSAGE],
  // Node drops these keys and values without an error.
  'an empty key': [begin(['', '1']), MESSAGE, OK],
  'a value with a NUL': [begin(['x-nul', 'a\0b']), MESSAGE, OK],
  'a value that is no ASCII': [begin(['x-latin', '\u00e9\u00ff']), MESSAGE, OK],
  'a value with spaces around it': [begin(['x-space', '  a  ']), MESSAGE, OK],
});

/** Frames that break a stream, by HTTP/2 or by Node's limits. */
const streams = [
  ...answers(Status.RESOURCE_EXHAUSTED, { '200 headers': [inParts(numbered(200)), MESSAGE, OK] }),
  ...answers(Status.INTERNAL, {
    'trailers that do not end the stream': [begin(), MESSAGE, headers([['grpc-status', '0']])],
    'no :status': [headers([['content-type', 'application/grpc']]), MESSAGE, OK],
    'a path': [begin([':path', '/']), MESSAGE, OK],
    'an upper-case key': [begin(['X-Upper', '1']), MESSAGE, OK],
  }),
  ...['abc', '', '0', '20', '2000', '-1', '101'].flatMap((status) =>
    answers(Status.INTERNAL, {
      [`:status "${status}"`]: [headers([[':status', status], ...GRPC.slice(1)]), MESSAGE, OK],
    }),
  ),
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].flatMap((key) =>
    answers(Status.INTERNAL, { [`the key ${key}`]: [begin([key, 'close']), MESSAGE, OK] }),
  ),
];

/** Frames that break a connection. */
const connections = [
  ...endings(Status.UNAVAILABLE, {
    'a WINDOW_UPDATE of too much': [on(TYPE.WINDOW_UPDATE, { payload: uint32(2 ** 31 - 1) }), ...REST],
    'headers without end': [inParts(numbered(200, solid(4_000))), MESSAGE, OK],
    '10,000 SETTINGS': [raw(...times(10_000, () => settings()))],
    'RST_STREAM of a stream that is none': [raw(frame(TYPE.RST_STREAM, { stream: 999, payload: uint32(8) })), ...REST],
    'HEADERS on a stream that is none': [raw(headersFrame(GRPC, { stream: 999 })), ...REST],
    'a push to a stream of the client': [push(3), ...REST],
  }),
  ...endings(Status.OK, {
    'a push, and its answer': [
      push(2),
      raw(headersFrame(GRPC, { stream: 2, flags: END_HEADERS | END_STREAM })),
      ...REST,
    ],
  }),
];

const CUT_OFF = block([
  ['grpc-status', '0'],
  ['x-cut', 'off'],
]);

/** Frames that break a connection so that Node 20 stops reading it. */
const deaf = deafenings({
  'data before the header': [MESSAGE, ...REST],
  'a value of 100 KiB': [inParts([['x-large', solid(100 * 1024)]]), MESSAGE, OK],
  'SETTINGS of five bytes': [raw(frame(TYPE.SETTINGS, { payload: Buffer.alloc(5) })), ...REST],
  'GOAWAY of no bytes': [raw(frame(TYPE.GOAWAY)), ...REST],
  'DATA on a stream that is none': [raw(frame(TYPE.DATA, { stream: 999, payload: message() })), ...REST],
  'trailers cut by another frame': [
    begin(),
    MESSAGE,
    on(TYPE.HEADERS, { flags: END_STREAM, payload: CUT_OFF }),
    raw(PING),
  ],
  'a frame that says it has 16 MiB': [begin(), on(TYPE.DATA, { length: 2 ** 24 - 1 })],
  'Huffman that is none': [fragment(0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00), MESSAGE, OK],
  'HTTP/1.1 amid HTTP/2': [raw(Buffer.from('HTTP/1.1 408 Request Timeout\r\n\r\n'))],
  rubbish: [raw(Buffer.alloc(4_096, 0xa5))],
  'a TLS alert': [raw(Buffer.from([0x15, 3, 1, 0, 2, 2, 40]))],
});

/** Frames that start a connection instead of SETTINGS. */
const greetings: readonly Answer[] = Object.entries({
  'HTTP/1.1': Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
  SSH: Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'),
  'a TLS alert': Buffer.from([0x15, 3, 1, 0, 2, 2, 40]),
  rubbish: Buffer.alloc(4_096, 0xa5),
  'half a frame': Buffer.from([0, 0, 9]),
  nothing: Buffer.alloc(0),
  DATA: frame(TYPE.DATA, { stream: 1, payload: message() }),
  'SETTINGS of five bytes': frame(TYPE.SETTINGS, { payload: Buffer.alloc(5) }),
  'SETTINGS and GOAWAY': Buffer.concat([settings(), frame(TYPE.GOAWAY, { payload: Buffer.alloc(8) })]),
}).map(([name, greeting]) => ({ ...ending(`${name} for a greeting`, Status.UNAVAILABLE), greeting }));

/** Frames that HTTP/2 doesn't allow, or that no peer expects. */
export const frames: readonly Answer[] = [...borne, ...streams, ...connections, ...deaf, ...greetings];
