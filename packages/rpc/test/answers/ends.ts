import { Status } from '../../src/exports/status.js';
import { frame, TYPE, uint32 } from '../attacks/frames.js';
import {
  type Answer,
  answers,
  begin,
  data,
  endings,
  goAway,
  MESSAGE,
  OK,
  resetStream,
  trailersOnly,
} from './answer.js';

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

const HALF = data(Buffer.alloc(3));
const early = (all: readonly Answer[]): readonly Answer[] => all.map((answer) => ({ ...answer, early: true }));

/** Streams and connections that end before the answer does, or in the middle of it. */
export const ends: readonly Answer[] = [
  ...RESETS.flatMap(([name, code], number) => [
    ...answers(code, {
      [`${name} before anything else`]: [resetStream(number)],
      [`${name} after the header`]: [begin(), 'seen', resetStream(number)],
      [`${name} with the header`]: [begin(), resetStream(number)],
      [`${name} after a message`]: [begin(), MESSAGE, 'seen', resetStream(number)],
      [`${name} twice`]: [resetStream(number), resetStream(number)],
    }),
    ...answers(Status.OK, { [`${name} after the answer`]: [begin(), MESSAGE, OK, resetStream(number)] }),
    ...endings(Status.UNAVAILABLE, {
      [`GOAWAY with ${name} before anything else, and the end`]: [goAway(number), 'end'],
      [`GOAWAY with ${name} after a message, and the end`]: [begin(), MESSAGE, goAway(number), 'seen', 'end'],
    }),
  ]),
  ...early([
    ...answers(Status.NOT_FOUND, {
      'a failure before the requests have ended': [trailersOnly(['grpc-status', '5']), resetStream(0)],
    }),
    ...answers(Status.UNAVAILABLE, { 'REFUSED_STREAM before the requests have ended': [resetStream(7)] }),
    ...answers(Status.OK, { 'OK before the requests have ended': [begin(), MESSAGE, OK, resetStream(0)] }),
  ]),
  ...endings(Status.OK, {
    'GOAWAY, then the whole answer': [goAway(0), begin(), MESSAGE, OK],
    'GOAWAY of all streams, then the whole answer': [goAway(0, 2 ** 31 - 1), begin(), MESSAGE, OK],
    'GOAWAY amid the answer': [begin(), goAway(0), MESSAGE, 'seen', OK],
    'the whole answer, then GOAWAY': [begin(), MESSAGE, OK, goAway(2)],
    'the whole answer, then the end': [begin(), MESSAGE, OK, 'end'],
    'the whole answer, then a reset connection': [begin(), MESSAGE, OK, 'seen', 'reset'],
  }),
  ...endings(Status.UNAVAILABLE, {
    'GOAWAY twice': [goAway(0, 2 ** 31 - 1), goAway(0), 'end'],
    'GOAWAY of a stream before the call': [goAway(0, 0)],
    'GOAWAY with an error of a stream before the call': [goAway(11, 0)],
    'GOAWAY with a text of 1 KiB': [goAwaySaying('x'.repeat(1_024)), 'end'],
    'the end at once': ['end'],
    'a reset connection at once': ['reset'],
    'the end after the header': [begin(), 'seen', 'end'],
    'a reset connection after the header': [begin(), 'seen', 'reset'],
    'the end after a message': [begin(), MESSAGE, 'seen', 'end'],
    'a reset connection after a message': [begin(), MESSAGE, 'seen', 'reset'],
    'the end amid a frame': [begin(), amidFrame, 'end'],
    'a reset connection inside a head': [begin(), HALF, 'seen', 'reset'],
  }),
  ...answers(Status.DEADLINE_EXCEEDED, {
    'nothing at all': [],
    'a header and nothing more': [begin()],
    'a message and nothing more': [begin(), MESSAGE],
    'half a message and nothing more': [begin(), HALF],
  }).map((answer) => ({ ...answer, timeoutMs: 300 })),
];

function goAwaySaying(text: string) {
  return (stream: number) =>
    frame(TYPE.GOAWAY, { payload: Buffer.concat([uint32(stream), uint32(0), Buffer.from(text)]) });
}

function amidFrame(stream: number): Buffer {
  return frame(TYPE.DATA, { stream, payload: Buffer.alloc(3), length: 9 });
}
