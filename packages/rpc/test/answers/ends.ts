import { Status } from '../../src/exports/status.js';
import { frame, TYPE, uint32 } from '../attacks/frames.js';
import { type Answer, answer, begin, data, ending, goAway, MESSAGE, OK, resetStream, trailersOnly } from './answer.js';

/**
 * The status of a reset stream.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors
 */
const RESETS: readonly (readonly [name: string, Status])[] = [
  ['NO_ERROR', Status.INTERNAL],
  ['PROTOCOL_ERROR', Status.INTERNAL],
  ['INTERNAL_ERROR', Status.INTERNAL],
  ['FLOW_CONTROL_ERROR', Status.INTERNAL],
  ['SETTINGS_TIMEOUT', Status.INTERNAL],
  ['STREAM_CLOSED', Status.INTERNAL],
  ['FRAME_SIZE_ERROR', Status.INTERNAL],
  ['REFUSED_STREAM', Status.UNAVAILABLE],
  ['CANCEL', Status.CANCELLED],
  ['COMPRESSION_ERROR', Status.INTERNAL],
  ['CONNECT_ERROR', Status.INTERNAL],
  ['ENHANCE_YOUR_CALM', Status.RESOURCE_EXHAUSTED],
  ['INADEQUATE_SECURITY', Status.PERMISSION_DENIED],
  ['HTTP_1_1_REQUIRED', Status.INTERNAL],
  ['a code that is none', Status.INTERNAL],
];

const FAILED = trailersOnly(['grpc-status', '5']);
const early = (answer: Answer): Answer => ({ ...answer, early: true });
const HALF = data(Buffer.alloc(3));

/** Streams and connections that end before the answer does, or in the middle of it. */
export const ends: readonly Answer[] = [
  ...RESETS.flatMap(([name, code], number) => [
    answer(`${name} before anything else`, code, resetStream(number)),
    answer(`${name} after the header`, code, begin(), 'seen', resetStream(number)),
    answer(`${name} with the header`, code, begin(), resetStream(number)),
    answer(`${name} after a message`, code, begin(), MESSAGE, 'seen', resetStream(number)),
    answer(`${name} twice`, code, resetStream(number), resetStream(number)),
    answer(`${name} after the answer`, Status.OK, begin(), MESSAGE, OK, resetStream(number)),
    ending(`GOAWAY with ${name} before anything else, and the end`, Status.UNAVAILABLE, goAway(number), 'end'),
    ending(
      `GOAWAY with ${name} after a message, and the end`,
      Status.UNAVAILABLE,
      begin(),
      MESSAGE,
      goAway(number),
      'seen',
      'end',
    ),
  ]),
  early(answer('a failure before the requests have ended', Status.NOT_FOUND, FAILED, resetStream(0))),
  early(answer('REFUSED_STREAM before the requests have ended', Status.UNAVAILABLE, resetStream(7))),
  early(answer('OK before the requests have ended', Status.OK, begin(), MESSAGE, OK, resetStream(0))),
  ending('GOAWAY, then the whole answer', Status.OK, goAway(0), begin(), MESSAGE, OK),
  ending('GOAWAY of all streams, then the whole answer', Status.OK, goAway(0, 2 ** 31 - 1), begin(), MESSAGE, OK),
  ending('GOAWAY amid the answer', Status.OK, begin(), goAway(0), MESSAGE, 'seen', OK),
  ending('the whole answer, then GOAWAY', Status.OK, begin(), MESSAGE, OK, goAway(2)),
  ending('the whole answer, then the end', Status.OK, begin(), MESSAGE, OK, 'end'),
  ending('the whole answer, then a reset connection', Status.OK, begin(), MESSAGE, OK, 'seen', 'reset'),
  ending('GOAWAY twice', Status.UNAVAILABLE, goAway(0, 2 ** 31 - 1), goAway(0), 'end'),
  ending('GOAWAY of a stream before the call', Status.UNAVAILABLE, goAway(0, 0)),
  ending('GOAWAY with an error of a stream before the call', Status.UNAVAILABLE, goAway(11, 0)),
  ending('GOAWAY with a text of 1 KiB', Status.UNAVAILABLE, goAwaySaying('x'.repeat(1_024)), 'end'),
  ending('the end at once', Status.UNAVAILABLE, 'end'),
  ending('a reset connection at once', Status.UNAVAILABLE, 'reset'),
  ending('the end after the header', Status.UNAVAILABLE, begin(), 'seen', 'end'),
  ending('a reset connection after the header', Status.UNAVAILABLE, begin(), 'seen', 'reset'),
  ending('the end after a message', Status.UNAVAILABLE, begin(), MESSAGE, 'seen', 'end'),
  ending('a reset connection after a message', Status.UNAVAILABLE, begin(), MESSAGE, 'seen', 'reset'),
  ending('the end amid a frame', Status.UNAVAILABLE, begin(), amidFrame, 'end'),
  ending('a reset connection inside a head', Status.UNAVAILABLE, begin(), HALF, 'seen', 'reset'),
  ...(
    [
      ['nothing at all'],
      ['a header and nothing more', begin()],
      ['a message and nothing more', begin(), MESSAGE],
      ['half a message and nothing more', begin(), HALF],
    ] as const
  ).map(([name, ...pieces]) => ({ ...answer(name, Status.DEADLINE_EXCEEDED, ...pieces), timeoutMs: 300 })),
];

function goAwaySaying(text: string) {
  return (stream: number) =>
    frame(TYPE.GOAWAY, { payload: Buffer.concat([uint32(stream), uint32(0), Buffer.from(text)]) });
}

function amidFrame(stream: number): Buffer {
  return frame(TYPE.DATA, { stream, payload: Buffer.alloc(3), length: 9 });
}
