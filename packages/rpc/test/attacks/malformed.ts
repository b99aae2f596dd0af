import { type Attempt, framing } from './attempt.js';
import {
  call,
  dataFrame,
  END_HEADERS,
  END_STREAM,
  frame,
  headersFrame,
  message,
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
  framing('SETTINGS: no header table, 4 GiB of it, none', settings([1, 0], [1, 2 ** 32 - 1], [1, 0]), call()),
  framing('SETTINGS: no streams', settings([3, 0]), call()),
  framing('PING on a stream', frame(TYPE.PING, { stream: 3, payload: Buffer.alloc(8) })),
  framing('WINDOW_UPDATE over the end', ...window(0), ...window(0)),
  framing('DATA on a stream that is none', dataFrame(message(), { stream: 7 })),
  framing('HEADERS on a stream of the server', headersFrame(request, { stream: 2 })),
  framing('HEADERS twice, the stream going on', headersFrame(request), headersFrame(request)),
  framing('RST_STREAM with every code', ...[...Array(20).keys()].flatMap(resetWith)),
  framing('PUSH_PROMISE by a client', frame(TYPE.PUSH_PROMISE, { flags: END_HEADERS, stream: 1, payload: uint32(2) })),
  framing('GOAWAY with an error', bidi, frame(TYPE.GOAWAY, { payload: Buffer.concat([uint32(1), uint32(2)]) }), call()),
  framing('frames of an unknown kind', ...Array.from({ length: 500 }, () => frame(0xee, { payload: uint32(1) }))),
  framing('a frame that says it has 16 MiB', frame(TYPE.DATA, { stream: 1, length: 2 ** 24 - 1 })),
  framing('headers: Huffman that is none', fragment([0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00])),
];

function window(stream: number): readonly Buffer[] {
  return [frame(TYPE.WINDOW_UPDATE, { stream, payload: uint32(2 ** 31 - 1) })];
}

function resetWith(code: number): readonly Buffer[] {
  const stream = code * 2 + 1;
  const headers = headersFrame(requestTo(pathOf('BidiStream')), { stream });
  return [headers, frame(TYPE.RST_STREAM, { stream, payload: uint32(code) })];
}
