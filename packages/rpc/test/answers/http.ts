import { Status } from '../../src/exports/status.js';
import type { Header } from '../attacks/frames.js';
import {
  type Answer,
  answer,
  answers,
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
const MAPPED: ReadonlyMap<number, Status> = new Map([
  ...[200, 204, 301, 405, 415, 418, 431, 500, 599].map((http) => [http, Status.UNKNOWN] as const),
  ...[429, 502, 503, 504].map((http) => [http, Status.UNAVAILABLE] as const),
  [400, Status.INTERNAL],
  [401, Status.UNAUTHENTICATED],
  [403, Status.PERMISSION_DENIED],
  [404, Status.UNIMPLEMENTED],
]);

const page = (http: number, type: string | undefined): readonly Header[] => [
  [':status', String(http)],
  ...(type === undefined ? [] : [['content-type', type] as const]),
];
const HTML = data(Buffer.from('<html><body>no gRPC here</body></html>'), { end: true });
const informational = (status: string) => headers([[':status', status]]);

/** An answer with gRPC's status OK is valid, whatever its content type: plain grpc-js accepts it too. */
const types = [
  ...['text/html', 'text/plain', 'application/json', 'application/octet-stream', 'grpc', ''],
  ...['application/grpc+json', 'application/grpc+x', 'application/grpc;charset=utf-8', 'application/grpc '],
  ...['application/grpc-web', 'application/grpcx'],
];

/** Answers of HTTP servers, proxies, and of servers that don't quite speak gRPC. */
export const http: readonly Answer[] = [
  ...[...MAPPED].flatMap(([code, status]) => {
    // Node 24 closes a connection if a body arrives that HTTP doesn't allow.
    const withPage = code === 204 ? ending : answer;
    const header = headers(page(code, 'text/html'));
    const bare = (type: string | undefined) => headers(page(code, type), { end: true });
    return [
      answer(`:status ${code} and no body`, status, bare(undefined)),
      answer(`:status ${code} as gRPC, without a status`, status, bare('application/grpc')),
      withPage(`:status ${code} and a page`, status, header, HTML),
      withPage(`:status ${code} and a page whose end comes later`, status, header, 'seen', HTML),
    ];
  }),
  ...types.flatMap((type) => [
    answer(`the content type "${type}", a message and OK`, Status.OK, headers(page(200, type)), MESSAGE, OK),
    answer(
      `the content type "${type}" and OK`,
      UNLESS_MANY,
      headers([...page(200, type), ['grpc-status', '0']], { end: true }),
    ),
  ]),
  ...['text/html', 'application/json'].flatMap((type) =>
    answers(Status.UNKNOWN, {
      [`the content type "${type}", and a failure`]: [
        headers([...page(200, type), ['grpc-status', '5']], { end: true }),
      ],
    }),
  ),
  ...answers(Status.OK, {
    'no content type, a message and OK': [headers(page(200, undefined)), MESSAGE, OK],
    ':status 100, then a good answer': [informational('100'), begin(), MESSAGE, OK],
    ':status 103 twice, then a good answer': [informational('103'), informational('103'), begin(), MESSAGE, OK],
  }),
  ...answers(Status.NOT_FOUND, {
    ':status 503 as gRPC, with its own status': [
      headers([...page(503, 'application/grpc'), ['grpc-status', '5']], { end: true }),
    ],
    ':status 100, then a failure': [informational('100'), trailersOnly(['grpc-status', '5'])],
  }),
  ...answers(Status.INTERNAL, {
    'a header, and a header again': [begin(), begin(), MESSAGE, OK],
    'trailers that begin as a header': [begin(), MESSAGE, trailers([':status', '200'], ['grpc-status', '0'])],
  }),
];
