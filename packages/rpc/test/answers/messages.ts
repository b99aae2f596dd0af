import { deflateSync, gzipSync } from 'node:zlib';
import { Status } from '../../src/exports/status.js';
import { END_STREAM, frame, message, PADDED, TYPE } from '../attacks/frames.js';
import { type Answer, answer, begin, data, ending, MESSAGE, OK, resetStream, trailers, UNLESS_MANY } from './answer.js';

const ONE_TOO_MANY = { one: Status.UNIMPLEMENTED, many: Status.OK };
/** A message whose length says 20 bytes, with 10. */
const CUT = data(message(Buffer.alloc(10), { length: 20 }));
const FAILED = trailers(['grpc-status', '5']);

/** Bytes that are invalid at the start of a message, or after it. */
const garbage: readonly (readonly [name: string, payload: Uint8Array])[] = [
  ['a tag without end', Buffer.from([0xff, 0xff, 0xff])],
  ['a length beyond the message', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
  ['a number without end', Buffer.concat([Buffer.from([0x08]), Buffer.alloc(20, 0xff)])],
  ['a fixed number that is cut off', Buffer.from([0x0d, 0x01])],
  ['a million groups in each other', Buffer.alloc(1_000_000, 0x0b)],
];

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
function body(bytes: Uint8Array) {
  return (stream: number) => {
    const count = Math.ceil(bytes.length / FRAME_BYTES);
    return Buffer.concat(
      Array.from({ length: count }, (_, index) => {
        return frame(TYPE.DATA, { stream, payload: bytes.subarray(index * FRAME_BYTES, (index + 1) * FRAME_BYTES) });
      }),
    );
  };
}

/** Messages that contradict their frame, their encoding or their contract, or are too few or too many. */
export const messages: readonly Answer[] = [
  answer('no reply, and OK', UNLESS_MANY, begin(), OK),
  answer('two replies', ONE_TOO_MANY, begin(), MESSAGE, MESSAGE, OK),
  answer('two replies, the second later', ONE_TOO_MANY, begin(), MESSAGE, 'seen', MESSAGE, OK),
  answer('1,000 replies', ONE_TOO_MANY, begin(), body(Buffer.alloc(5_000)), OK),
  answer('a reply, and a failure', Status.NOT_FOUND, begin(), MESSAGE, FAILED),
  answer(
    'two replies, and a failure',
    { one: Status.UNIMPLEMENTED, many: Status.NOT_FOUND },
    begin(),
    MESSAGE,
    'seen',
    MESSAGE,
    'seen',
    FAILED,
  ),
  answer(
    'a reply in frames of a byte',
    Status.OK,
    begin(),
    ...[0, 0, 0, 0, 0].map((byte) => data(Buffer.from([byte]))),
    OK,
  ),
  answer('a reply between empty frames', Status.OK, begin(), ...Array(200).fill(data(Buffer.alloc(0))), MESSAGE, OK),
  answer('a reply with padding', Status.OK, begin(), padded(3, Buffer.concat([message(), Buffer.alloc(3)])), OK),
  ...garbage.map(([name, payload]) =>
    answer(`no message: ${name}`, Status.INTERNAL, begin(), body(message(payload)), OK),
  ),
  answer('a tag of field 0', Status.INTERNAL, begin(), data(message(Buffer.from([0x00, 0x00]))), OK),
  ...compressed.map(([encoding, what, payload, code]) =>
    answer(`${encoding} of ${what}`, code, begin(['grpc-encoding', encoding]), body(message(payload, { flag: 1 })), OK),
  ),
  answer('a flag without an encoding', Status.INTERNAL, begin(), data(message(Buffer.from('x'), { flag: 1 })), OK),
  answer(
    'gzip, and a second reply that is none',
    { one: Status.INTERNAL, many: Status.INTERNAL },
    begin(['grpc-encoding', 'gzip']),
    data(message(gzipSync(''), { flag: 1 })),
    data(message(Buffer.from('x'), { flag: 1 })),
    OK,
  ),
  answer(
    'an unknown encoding, and messages without the flag',
    Status.OK,
    begin(['grpc-encoding', 'zstd']),
    MESSAGE,
    OK,
  ),
  // grpc-js checks whether the flag is 1, and treats every other value as 0.
  ...[2, 128, 255].map((flag) =>
    answer(`the flag ${flag}`, Status.OK, begin(), data(message(Buffer.alloc(0), { flag })), OK),
  ),
  answer(
    'a message that says it has 4 GiB',
    Status.RESOURCE_EXHAUSTED,
    begin(),
    data(message(Buffer.alloc(1), { length: 2 ** 32 - 1 })),
    OK,
  ),
  answer(
    'a message that says it has a byte too many',
    Status.RESOURCE_EXHAUSTED,
    begin(),
    data(message(Buffer.alloc(1), { length: 4 * 1024 * 1024 + 1 })),
  ),
  answer('a message of 5 MiB', Status.RESOURCE_EXHAUSTED, begin(), body(message(Buffer.alloc(5 * 1024 * 1024))), OK),
  // grpc-js silently drops an incomplete last message, so that a stream of replies looks complete.
  answer('a message that is cut off, and OK', UNLESS_MANY, begin(), CUT, OK),
  answer('half of a head, and OK', UNLESS_MANY, begin(), data(Buffer.alloc(3)), OK),
  answer('a message and half of another, and OK', Status.OK, begin(), MESSAGE, data(Buffer.alloc(3)), OK),
  answer('a message that is cut off, and a failure', Status.NOT_FOUND, begin(), CUT, FAILED),
  answer('a message that is cut off, and the end', Status.INTERNAL, begin(), CUT, data(Buffer.alloc(0), { end: true })),
  answer('a message that is cut off, and CANCEL', Status.CANCELLED, begin(), CUT, 'seen', resetStream(8)),
  answer('a message that is cut off, and INTERNAL_ERROR', Status.INTERNAL, begin(), CUT, 'seen', resetStream(2)),
  ending('a message that is cut off, and the end of the connection', Status.UNAVAILABLE, begin(), CUT, 'seen', 'end'),
  ending('a message that is cut off, and a reset connection', Status.UNAVAILABLE, begin(), CUT, 'seen', 'reset'),
  answer('a message, and the end without trailers', Status.INTERNAL, begin(), data(message(), { end: true })),
  answer('the end right behind the header', Status.INTERNAL, begin(), data(Buffer.alloc(0), { end: true })),
  // Node 20 ends the stream, Node 24 the connection.
  ending(
    'a content length that is too small',
    { either: [Status.INTERNAL, Status.UNAVAILABLE] },
    begin(['content-length', '1']),
    MESSAGE,
    OK,
  ),
  answer('a content length that is too large', Status.INTERNAL, begin(['content-length', '99']), MESSAGE, OK),
  answer('a content length that is right', Status.OK, begin(['content-length', '5']), MESSAGE, OK),
];

function padded(bytes: number, payload: Uint8Array) {
  return (stream: number) =>
    frame(TYPE.DATA, { stream, flags: PADDED & ~END_STREAM, payload: Buffer.concat([Buffer.from([bytes]), payload]) });
}
