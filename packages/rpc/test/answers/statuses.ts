import { RpcError, Status } from '../../src/exports/status.js';
import { encodeStatusDetails } from '../../src/status/detail.js';
import { type Header, numbered } from '../attacks/frames.js';
import {
  type Answer,
  answer,
  answers,
  begin,
  FAILED,
  GRPC,
  headers,
  MESSAGE,
  OK,
  trailers,
  trailersOnly,
  UNLESS_MANY,
} from './answer.js';

const status = (value: string): Header => ['grpc-status', value];
const failing = (...extra: readonly Header[]) => trailersOnly(status('5'), ...extra);
const unimplemented = (...extra: readonly Header[]) => trailersOnly(status('12'), ...extra);
const details = (bytes: Uint8Array | string): Header => [
  'grpc-status-details-bin',
  typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('base64'),
];

/**
 * Values of `grpc-status` that are no valid code. The call ends with UNKNOWN, even if a whole reply came before. Source:
 * https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
 */
const invalidStatuses = [
  '17',
  '99',
  '-1',
  '4294967296',
  '1.5',
  'x',
  'OK',
  '0 OK',
  '5;',
  '1e99',
  'NaN',
  'Infinity',
  '0, 0',
  ' ',
];

/** grpc-js parses a status as a JavaScript number and exposes only that: these can't be distinguished from "0". */
const readAsOk = ['', '00', '0x0', '-0', '0.0'];

const noText = ['%', '%zz', '%ff%fe', '%c3', '%00%0a%0d', '%E2%82', '\u00e9\u00ff', '100%'];
const noBase64 = ['!!!', '=', '====', 'A', 'AA=A', ',,,', '\u00e9', ' ', ''];

const WHOLE = encodeStatusDetails(
  new RpcError(Status.NOT_FOUND, 'gone', { details: [{ typeUrl: 'type.googleapis.com/x.Y', value: Buffer.alloc(9) }] }),
);

/** Statuses and metadata that no server should send. */
export const statuses: readonly Answer[] = [
  ...invalidStatuses.map((value) => answer(`grpc-status "${value}"`, Status.UNKNOWN, trailersOnly(status(value)))),
  ...invalidStatuses
    .slice(0, 6)
    .map((value) =>
      answer(`a message, then grpc-status "${value}"`, Status.UNKNOWN, begin(), MESSAGE, trailers(status(value))),
    ),
  ...answers(Status.UNKNOWN, {
    'two grpc-status, the same': [begin(), MESSAGE, trailers(status('0'), status('0'))],
    'two grpc-status, a good one first': [begin(), MESSAGE, trailers(status('0'), status('5'))],
    'grpc-status in the header, none at the end': [begin(status('0')), MESSAGE, trailers(['x', '1'])],
    'trailers without a status': [begin(), MESSAGE, trailers(['x', '1'])],
    'one block of trailers without a status': [trailersOnly(['x', '1'])],
    'grpc-message without a status': [trailersOnly(['grpc-message', 'gone'])],
  }),
  ...readAsOk.map((value) => answer(`grpc-status "${value}"`, UNLESS_MANY, trailersOnly(status(value)))),
  answer('one block of trailers with OK, and no reply', UNLESS_MANY, trailersOnly(status('0'))),
  ...noText.map((text) => answer(`grpc-message "${text}"`, Status.NOT_FOUND, failing(['grpc-message', text]))),
  ...noBase64.map((text) => answer(`x-bin "${text}", which is no base64`, Status.NOT_FOUND, failing(['x-bin', text]))),
  ...answers(Status.OK, {
    'grpc-status in the header, OK at the end': [begin(status('5')), MESSAGE, OK],
    'bytes that are no base64': [begin(['x-bin', '!']), MESSAGE, trailers(status('0'), ['x-bin', '!'])],
    'details with OK': [begin(), MESSAGE, trailers(status('0'), details(Buffer.alloc(9, 0xff)))],
  }),
  ...answers(Status.NOT_FOUND, {
    'two grpc-message': [failing(['grpc-message', 'a'], ['grpc-message', 'b'])],
    'grpc-message of 15 KiB': [failing(['grpc-message', 'x'.repeat(15_000)])],
    'details that are no base64': [failing(details('!!!'))],
    'details of no bytes': [failing(details(''))],
    'details that are no protobuf': [failing(details(Buffer.alloc(64, 0xff)))],
    'details that are cut off': [failing(details((WHOLE ?? Buffer.alloc(0)).subarray(0, -3)))],
    'details of a length beyond them': [failing(details(Buffer.from([0x1a, 0xff, 0xff, 0xff, 0x0f])))],
    'details in groups without end': [failing(details(Buffer.alloc(8_000, 0x0b)))],
    'details of another status': [failing(details(Buffer.from([0x08, 0x08])))],
    'details twice': [failing(details(Buffer.alloc(1)), details(Buffer.alloc(2)))],
    'keys of prototypes': [failing(['__proto__', '1'], ['constructor', '2'], ['tostring', '3'])],
    'trailers of a stream that is read on': [begin(), 'seen', MESSAGE, 'seen', FAILED],
    '120 keys': [failing(...numbered(120))],
    'a content type twice': [headers([...GRPC, ['content-type', 'text/html'], status('5')], { end: true })],
  }),
  ...answers(Status.UNIMPLEMENTED, {
    'the mark of a server for another method': [unimplemented(['rondo-not-handled', '/a.B/C'])],
    'the mark of a server twice': [unimplemented(['rondo-not-handled', '-'], ['rondo-not-handled', '/'])],
  }),
];
