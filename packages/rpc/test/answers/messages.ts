import { deflateSync, gzipSync } from 'node:zlib';
import { Status } from '../../src/exports/status.js';
import { END_STREAM, frame, message, PADDED, TYPE, times } from '../attacks/frames.js';
import {
  type Answer,
  answer,
  answers,
  begin,
  data,
  ending,
  endings,
  FAILED,
  MESSAGE,
  OK,
  resetStream,
  UNLESS_MANY,
} from './answer.js';

const ONE_TOO_MANY = { one: Status.UNIMPLEMENTED, many: Status.OK };
/** A message whose length says 20 bytes, with 10. */
const CUT = data(message(Buffer.alloc(10), { length: 20 }));
const HALF = data(Buffer.alloc(3));
const END = data(Buffer.alloc(0), { end: true });

/** Bytes that are invalid at the start of a message, or after it. */
const garbage: Readonly<Record<string, Uint8Array>> = {
  'a tag without end': Buffer.from([0xff, 0xff, 0xff]),
  'a length beyond the message': Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
  'a number without end': Buffer.concat([Buffer.from([0x08]), Buffer.alloc(20, 0xff)]),
  'a fixed number that is cut off': Buffer.from([0x0d, 0x01]),
  'a million groups in each other': Buffer.alloc(1_000_000, 0x0b),
  'a tag of field 0': Buffer.from([0x00, 0x00]),
};

const bomb = Buffer.alloc(64 * 1024 * 1024);
const compressed: readonly (readonly [encoding: string, what: string, payload: Uint8Array, Status])[] = [
  ['zstd', 'a message in an unknown compression', Buffer.from('x'), Status.INTERNAL],
  ['identity', 'what is not packed', Buffer.from('x'), Status.INTERNAL],
  ['__proto__', 'a message in an unknown compression', Buffer.from('x'), Status.INTERNAL],
  ['gzip', 'what is no gzip', Buffer.from('not gzip'), Status.INTERNAL],
  ['gzip', 'nothing', Buffer.alloc(0), Status.INTERNAL],
  ['gzip', 'what is cut off', gzipSync('whole').subarray(0, 12), Status.INTERNAL],
  ['gzip', '64 MiB', gzipSync(bomb), Status.RESOURCE_EXHAUSTED],
  ['deflate', 'what is no deflate', Buffer.from('not deflate'), Status.INTERNAL],
  ['deflate', '64 MiB', deflateSync(bomb), Status.RESOURCE_EXHAUSTED],
];

const FRAME_BYTES = 16_384;

/** A body, in as many frames as it needs. */
const body = (bytes: Uint8Array) => (stream: number) =>
  Buffer.concat(
    times(Math.ceil(bytes.length / FRAME_BYTES), (index) =>
      frame(TYPE.DATA, { stream, payload: bytes.subarray(index * FRAME_BYTES, (index + 1) * FRAME_BYTES) }),
    ),
  );

const padded = (bytes: number, payload: Uint8Array) => (stream: number) =>
  frame(TYPE.DATA, { stream, flags: PADDED & ~END_STREAM, payload: Buffer.concat([Buffer.from([bytes]), payload]) });

/** Messages that contradict their frame, their encoding or their contract, or are too few or too many. */
export const messages: readonly Answer[] = [
  ...answers(UNLESS_MANY, {
    'no reply, and OK': [begin(), OK],
    // grpc-js silently drops an incomplete last message, so that a stream of replies looks complete.
    'a message that is cut off, and OK': [begin(), CUT, OK],
    'half of a head, and OK': [begin(), HALF, OK],
  }),
  ...answers(ONE_TOO_MANY, {
    'two replies': [begin(), MESSAGE, MESSAGE, OK],
    'two replies, the second later': [begin(), MESSAGE, 'seen', MESSAGE, OK],
    '1,000 replies': [begin(), body(Buffer.alloc(5_000)), OK],
  }),
  ...answers(
    { one: Status.UNIMPLEMENTED, many: Status.NOT_FOUND },
    { 'two replies, and a failure': [begin(), MESSAGE, 'seen', MESSAGE, 'seen', FAILED] },
  ),
  ...answers(Status.NOT_FOUND, {
    'a reply, and a failure': [begin(), MESSAGE, FAILED],
    'a message that is cut off, and a failure': [begin(), CUT, FAILED],
  }),
  ...answers(Status.OK, {
    'a reply in frames of a byte': [begin(), ...[0, 0, 0, 0, 0].map((byte) => data(Buffer.from([byte]))), OK],
    'a reply between empty frames': [begin(), ...Array(200).fill(data(Buffer.alloc(0))), MESSAGE, OK],
    'a reply with padding': [begin(), padded(3, Buffer.concat([message(), Buffer.alloc(3)])), OK],
    'an unknown encoding, and messages without the flag': [begin(['grpc-encoding', 'zstd']), MESSAGE, OK],
    'a message and half of another, and OK': [begin(), MESSAGE, HALF, OK],
    'a content length that is right': [begin(['content-length', '5']), MESSAGE, OK],
  }),
  // grpc-js checks whether the flag is 1, and treats every other value as 0.
  ...[2, 128, 255].map((flag) =>
    answer(`the flag ${flag}`, Status.OK, begin(), data(message(Buffer.alloc(0), { flag })), OK),
  ),
  ...Object.entries(garbage).map(([name, payload]) =>
    answer(`no message: ${name}`, Status.INTERNAL, begin(), body(message(payload)), OK),
  ),
  ...compressed.map(([encoding, what, payload, code]) =>
    answer(`${encoding} of ${what}`, code, begin(['grpc-encoding', encoding]), body(message(payload, { flag: 1 })), OK),
  ),
  ...answers(Status.INTERNAL, {
    'a flag without an encoding': [begin(), data(message(Buffer.from('x'), { flag: 1 })), OK],
    'gzip, and a second reply that is none': [
      begin(['grpc-encoding', 'gzip']),
      ...[gzipSync(''), Buffer.from('x')].map((payload) => data(message(payload, { flag: 1 }))),
      OK,
    ],
    'a message that is cut off, and the end': [begin(), CUT, END],
    'a message that is cut off, and INTERNAL_ERROR': [begin(), CUT, 'seen', resetStream(2)],
    'a message, and the end without trailers': [begin(), data(message(), { end: true })],
    'the end right behind the header': [begin(), END],
    'a content length that is too large': [begin(['content-length', '99']), MESSAGE, OK],
  }),
  ...answers(Status.RESOURCE_EXHAUSTED, {
    'a message that says it has 4 GiB': [begin(), data(message(Buffer.alloc(1), { length: 2 ** 32 - 1 })), OK],
    'a message that says it has a byte too many': [
      begin(),
      data(message(Buffer.alloc(1), { length: 4 * 1024 * 1024 + 1 })),
    ],
    'a message of 5 MiB': [begin(), body(message(Buffer.alloc(5 * 1024 * 1024))), OK],
  }),
  answer('a message that is cut off, and CANCEL', Status.CANCELLED, begin(), CUT, 'seen', resetStream(8)),
  ...endings(Status.UNAVAILABLE, {
    'a message that is cut off, and the end of the connection': [begin(), CUT, 'seen', 'end'],
    'a message that is cut off, and a reset connection': [begin(), CUT, 'seen', 'reset'],
  }),
  // Node 20 ends the stream, Node 24 the connection.
  ending(
    'a content length that is too small',
    { either: [Status.INTERNAL, Status.UNAVAILABLE] },
    ...[begin(['content-length', '1']), MESSAGE, OK],
  ),
];
