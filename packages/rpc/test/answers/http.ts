import { Status } from '../../src/exports/status.js';
import type { Header } from '../attacks/frames.js';
import {
  type Answer,
  answer,
  begin,
  data,
  ending,
  headers,
  MESSAGE,
  OK,
  trailers,
  trailersOnly,
  UNLESS_MANY,
} from './answer.js';

/** Source: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const MAPPED: readonly (readonly [http: number, Status])[] = [
  [200, Status.UNKNOWN],
  [204, Status.UNKNOWN],
  [301, Status.UNKNOWN],
  [400, Status.INTERNAL],
  [401, Status.UNAUTHENTICATED],
  [403, Status.PERMISSION_DENIED],
  [404, Status.UNIMPLEMENTED],
  [405, Status.UNKNOWN],
  [415, Status.UNKNOWN],
  [418, Status.UNKNOWN],
  [429, Status.UNAVAILABLE],
  [431, Status.UNKNOWN],
  [500, Status.UNKNOWN],
  [502, Status.UNAVAILABLE],
  [503, Status.UNAVAILABLE],
  [504, Status.UNAVAILABLE],
  [599, Status.UNKNOWN],
];

const page = (http: number, type: string | undefined): readonly Header[] => [
  [':status', String(http)],
  ...(type === undefined ? [] : [['content-type', type] as const]),
];
const HTML = data(Buffer.from('<html><body>no gRPC here</body></html>'), { end: true });

/** An answer with gRPC's status OK is valid, whatever its content type: plain grpc-js accepts it too. */
const types = [
  ...['text/html', 'text/plain', 'application/json', 'application/octet-stream', 'grpc', ''],
  ...['application/grpc+json', 'application/grpc+x', 'application/grpc;charset=utf-8', 'application/grpc '],
  ...['application/grpc-web', 'application/grpcx'],
];

/** Answers of HTTP servers, proxies, and of servers that don't quite speak gRPC. */
export const http: readonly Answer[] = [
  ...MAPPED.flatMap(([code, status]) => {
    // Node 24 closes a connection if a body arrives that HTTP doesn't allow.
    const withPage = code === 204 ? ending : answer;
    const header = headers(page(code, 'text/html'));
    return [
      answer(`:status ${code} and no body`, status, headers(page(code, undefined), { end: true })),
      withPage(`:status ${code} and a page`, status, header, HTML),
      answer(
        `:status ${code} as gRPC, without a status`,
        status,
        headers(page(code, 'application/grpc'), { end: true }),
      ),
      withPage(`:status ${code} and a page whose end comes later`, status, header, 'seen', HTML),
    ];
  }),
  answer(
    ':status 503 as gRPC, with its own status',
    Status.NOT_FOUND,
    headers([...page(503, 'application/grpc'), ['grpc-status', '5']], { end: true }),
  ),
  ...types.flatMap((type) => [
    answer(`the content type "${type}", a message and OK`, Status.OK, headers(page(200, type)), MESSAGE, OK),
    answer(
      `the content type "${type}" and OK`,
      UNLESS_MANY,
      headers([...page(200, type), ['grpc-status', '0']], { end: true }),
    ),
  ]),
  answer('no content type, a message and OK', Status.OK, headers(page(200, undefined)), MESSAGE, OK),
  ...['text/html', 'application/json'].map((type) =>
    answer(
      `the content type "${type}", and a failure`,
      Status.UNKNOWN,
      headers([...page(200, type), ['grpc-status', '5']], { end: true }),
    ),
  ),
  answer(':status 100, then a good answer', Status.OK, headers([[':status', '100']]), begin(), MESSAGE, OK),
  answer(
    ':status 103 twice, then a good answer',
    Status.OK,
    headers([[':status', '103']]),
    headers([[':status', '103']]),
    begin(),
    MESSAGE,
    OK,
  ),
  answer(
    ':status 100, then a failure',
    Status.NOT_FOUND,
    headers([[':status', '100']]),
    trailersOnly(['grpc-status', '5']),
  ),
  answer('a header, and a header again', Status.INTERNAL, begin(), begin(), MESSAGE, OK),
  answer(
    'trailers that begin as a header',
    Status.INTERNAL,
    begin(),
    MESSAGE,
    trailers([':status', '200'], ['grpc-status', '0']),
  ),
];
