import { RpcError, Status } from '../../src/exports/status.js';
import { encodeStatusDetails } from '../../src/status/detail.js';
import type { Header } from '../attacks/frames.js';
import {
  type Answer,
  answer,
  begin,
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
  ...readAsOk.map((value) => answer(`grpc-status "${value}"`, UNLESS_MANY, trailersOnly(status(value)))),
  answer('two grpc-status, the same', Status.UNKNOWN, begin(), MESSAGE, trailers(status('0'), status('0'))),
  answer('two grpc-status, a good one first', Status.UNKNOWN, begin(), MESSAGE, trailers(status('0'), status('5'))),
  answer('grpc-status in the header, OK at the end', Status.OK, begin(status('5')), MESSAGE, OK),
  answer(
    'grpc-status in the header, none at the end',
    Status.UNKNOWN,
    begin(status('0')),
    MESSAGE,
    trailers(['x', '1']),
  ),
  answer('trailers without a status', Status.UNKNOWN, begin(), MESSAGE, trailers(['x', '1'])),
  answer('one block of trailers without a status', Status.UNKNOWN, trailersOnly(['x', '1'])),
  answer('one block of trailers with OK, and no reply', UNLESS_MANY, trailersOnly(status('0'))),
  answer('grpc-message without a status', Status.UNKNOWN, trailersOnly(['grpc-message', 'gone'])),
  ...['%', '%zz', '%ff%fe', '%c3', '%00%0a%0d', '%E2%82', '\u00e9\u00ff', '100%'].map((text) =>
    answer(`grpc-message "${text}"`, Status.NOT_FOUND, failing(['grpc-message', text])),
  ),
  answer('two grpc-message', Status.NOT_FOUND, failing(['grpc-message', 'a'], ['grpc-message', 'b'])),
  answer('grpc-message of 15 KiB', Status.NOT_FOUND, failing(['grpc-message', 'x'.repeat(15_000)])),
  ...['!!!', '=', '====', 'A', 'AA=A', ',,,', '\u00e9', ' ', ''].map((text) =>
    answer(`x-bin "${text}", which is no base64`, Status.NOT_FOUND, failing(['x-bin', text])),
  ),
  answer(
    'a reply with a header and trailers that are no base64',
    Status.OK,
    begin(['x-bin', '!']),
    MESSAGE,
    trailers(status('0'), ['x-bin', '!']),
  ),
  answer('details that are no base64', Status.NOT_FOUND, failing(details('!!!'))),
  answer('details of no bytes', Status.NOT_FOUND, failing(details(''))),
  answer('details that are no protobuf', Status.NOT_FOUND, failing(details(Buffer.alloc(64, 0xff)))),
  answer('details that are cut off', Status.NOT_FOUND, failing(details((WHOLE ?? Buffer.alloc(0)).subarray(0, -3)))),
  answer(
    'details of a length beyond them',
    Status.NOT_FOUND,
    failing(details(Buffer.from([0x1a, 0xff, 0xff, 0xff, 0x0f]))),
  ),
  answer('details in groups without end', Status.NOT_FOUND, failing(details(Buffer.alloc(8_000, 0x0b)))),
  answer('details of another status', Status.NOT_FOUND, failing(details(Buffer.from([0x08, 0x08])))),
  answer('details twice', Status.NOT_FOUND, failing(details(Buffer.alloc(1)), details(Buffer.alloc(2)))),
  answer('details with OK', Status.OK, begin(), MESSAGE, trailers(status('0'), details(Buffer.alloc(9, 0xff)))),
  answer(
    'keys of prototypes',
    Status.NOT_FOUND,
    failing(['__proto__', '1'], ['constructor', '2'], ['toString'.toLowerCase(), '3']),
  ),
  answer(
    'the mark of a server for another method',
    Status.UNIMPLEMENTED,
    trailersOnly(status('12'), ['rondo-not-handled', '/a.B/C']),
  ),
  answer(
    'the mark of a server twice',
    Status.UNIMPLEMENTED,
    trailersOnly(status('12'), ['rondo-not-handled', '-'], ['rondo-not-handled', '/']),
  ),
  answer(
    'trailers of a stream that is read on',
    Status.NOT_FOUND,
    begin(),
    'seen',
    MESSAGE,
    'seen',
    trailers(status('5')),
  ),
  answer(
    '120 keys',
    Status.NOT_FOUND,
    failing(...Array.from({ length: 120 }, (_, index) => [`k${index}`, 'v'] as const)),
  ),
  answer(
    'a content type twice',
    Status.NOT_FOUND,
    headers([...GRPC, ['content-type', 'text/html'], status('5')], { end: true }),
  ),
];
