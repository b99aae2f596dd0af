import { type Attempt, framing } from './attempt.js';
import {
  ACK,
  call,
  dataFrame,
  END_HEADERS,
  END_STREAM,
  frame,
  headersFrame,
  message,
  PADDED,
  pathOf,
  requestTo,
  settings,
  TYPE,
  uint32,
} from './frames.js';

const request = requestTo(pathOf('Unary'));
const bidi = headersFrame(requestTo(pathOf('BidiStream')));
const fragment = (bytes: readonly number[]) =>
  frame(TYPE.HEADERS, { flags: END_HEADERS | END_STREAM, stream: 1, payload: Buffer.from(bytes) });

/** Frames that HTTP/2 doesn't allow. */
export const malformed: readonly Attempt[] = [
  framing('SETTINGS of five bytes', frame(TYPE.SETTINGS, { payload: Buffer.alloc(5) })),
  framing('SETTINGS on a stream', frame(TYPE.SETTINGS, { stream: 1 })),
  framing('an acknowledgement with settings', frame(TYPE.SETTINGS, { flags: ACK, payload: Buffer.alloc(6) })),
  framing('acknowledgements of nothing', ...Array.from({ length: 50 }, () => frame(TYPE.SETTINGS, { flags: ACK }))),
  framing('SETTINGS: a window of 2³¹', settings([4, 2 ** 31])),
  framing('SETTINGS: frames of no bytes', settings([5, 0])),
  framing('SETTINGS: frames of 2³² bytes', settings([5, 2 ** 32 - 1])),
  framing('SETTINGS: push 2', settings([2, 2])),
  framing('SETTINGS: no header table, 4 GiB of it, none', settings([1, 0], [1, 2 ** 32 - 1], [1, 0]), call()),
  framing('SETTINGS: headers of no bytes', settings([6, 0]), call()),
  framing('SETTINGS: no streams', settings([3, 0]), call()),
  framing('unknown SETTINGS', settings([0xfff, 1], [0, 0])),
  framing('SETTINGS of 1,000 entries', settings(...Array.from({ length: 1_000 }, () => [3, 1] as const))),
  framing('PING of seven bytes', frame(TYPE.PING, { payload: Buffer.alloc(7) })),
  framing('PING on a stream', frame(TYPE.PING, { stream: 3, payload: Buffer.alloc(8) })),
  framing('WINDOW_UPDATE by nothing', frame(TYPE.WINDOW_UPDATE, { payload: uint32(0) })),
  framing('WINDOW_UPDATE over the end', ...window(0), ...window(0)),
  framing('WINDOW_UPDATE over the end of a stream', bidi, ...window(1), ...window(1)),
  framing('WINDOW_UPDATE of three bytes', frame(TYPE.WINDOW_UPDATE, { payload: Buffer.alloc(3) })),
  framing('WINDOW_UPDATE of a stream that is none', frame(TYPE.WINDOW_UPDATE, { stream: 99, payload: uint32(1) })),
  framing('DATA on a stream that is none', dataFrame(message(), { stream: 7 })),
  framing('DATA with more padding than bytes', bidi, padded(TYPE.DATA)),
  framing('HEADERS with more padding than bytes', padded(TYPE.HEADERS)),
  framing('HEADERS on no stream', headersFrame(request, { stream: 0 })),
  framing('HEADERS on a stream of the server', headersFrame(request, { stream: 2 })),
  framing('HEADERS of an earlier stream', headersFrame(request, { stream: 9 }), headersFrame(request, { stream: 3 })),
  framing('HEADERS of the last stream there can be', headersFrame(request, { stream: 2 ** 31 - 1 })),
  framing('HEADERS of a stream that has ended', call(), headersFrame(request)),
  framing('HEADERS twice, the stream going on', headersFrame(request), headersFrame(request)),
  framing('CONTINUATION of nothing', frame(TYPE.CONTINUATION, { flags: END_HEADERS, stream: 1 })),
  framing('RST_STREAM of a stream that is none', frame(TYPE.RST_STREAM, { stream: 5, payload: uint32(8) })),
  framing('RST_STREAM of three bytes', bidi, frame(TYPE.RST_STREAM, { stream: 1, payload: Buffer.alloc(3) })),
  framing('RST_STREAM of no stream', frame(TYPE.RST_STREAM, { payload: uint32(8) })),
  framing('RST_STREAM with every code', ...[...Array(20).keys()].flatMap(resetWith)),
  framing('PRIORITY on itself', frame(TYPE.PRIORITY, { stream: 1, payload: Buffer.from([0, 0, 0, 1, 16]) })),
  framing('PRIORITY of four bytes', frame(TYPE.PRIORITY, { stream: 1, payload: uint32(0) })),
  framing('PUSH_PROMISE by a client', frame(TYPE.PUSH_PROMISE, { flags: END_HEADERS, stream: 1, payload: uint32(2) })),
  framing('GOAWAY of no bytes', bidi, frame(TYPE.GOAWAY)),
  framing('GOAWAY with an error', bidi, frame(TYPE.GOAWAY, { payload: Buffer.concat([uint32(1), uint32(2)]) }), call()),
  framing('frames of an unknown kind', ...Array.from({ length: 500 }, () => frame(0xee, { payload: uint32(1) }))),
  framing('a frame that says it has 16 MiB', frame(TYPE.DATA, { stream: 1, length: 2 ** 24 - 1 })),
  framing('headers: a field that the table has not', fragment([0xff, 0x80, 0x7f])),
  framing('headers: a number without end', fragment([0xff, ...Array<number>(64).fill(0xff)])),
  framing('headers: a table of 4 GiB', fragment([0x3f, 0xe1, 0xff, 0xff, 0xff, 0x0f])),
  framing('headers: Huffman that is none', fragment([0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00])),
  framing('headers: a name longer than the block', fragment([0x00, 0x7f, 0xff, 0x7f, 0x61])),
  framing('headers: none', fragment([])),
];

function window(stream: number): readonly Buffer[] {
  return [frame(TYPE.WINDOW_UPDATE, { stream, payload: uint32(2 ** 31 - 1) })];
}

function padded(type: number): Buffer {
  return frame(type, { flags: PADDED | END_HEADERS, stream: 1, payload: Buffer.from([200, 0, 0]) });
}

function resetWith(code: number): readonly Buffer[] {
  const stream = code * 2 + 1;
  const headers = headersFrame(requestTo(pathOf('BidiStream')), { stream });
  return [headers, frame(TYPE.RST_STREAM, { stream, payload: uint32(code) })];
}
