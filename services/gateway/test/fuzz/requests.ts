import { gzipSync } from 'node:zlib';
import { frame } from '../support/calling.js';
import type { Draw } from './draw.js';

export type Field = readonly [name: string, value: string];

/** A request, before it is written as HTTP/1.1 or HTTP/2. */
export interface FuzzedRequest {
  readonly version: 1 | 2;
  readonly method: string;
  readonly path: string;
  readonly fields: readonly Field[];
  readonly body: Buffer;
}

const SERVICE = '/test.v1.TestService';
const JSON_TYPE: Field = ['content-type', 'application/json'];
const PLAIN = '{"a":"2","b":"3","ratio":0.5}';
const ALL = JSON.stringify({
  name: 'n',
  int64Value: '9007199254740993',
  doubleValue: 1e300,
  bytesValue: 'AAEC',
  color: 'COLOR_RED',
  time: '2026-01-02T03:04:05.678Z',
  duration: '1.5s',
  mask: 'a,bC',
  any: { '@type': 'type.googleapis.com/test.v1.Plain', a: '1' },
  struct: { x: [1, null, 'y', { z: true }] },
  tags: ['t', 'ü', '\u0000'],
  nested: { nested: { list: [{ int32Value: -1 }] } },
});
/** A `Plain` and a text field, encoded. */
const MESSAGE = Buffer.from([0x08, 2, 0x10, 3]);
const TEXT = Buffer.from([0x0a, 3, 0x61, 0x62, 0x63]);

const json = (method: string, path: string, body = ''): Omit<FuzzedRequest, 'version'> => ({
  method,
  path,
  fields: body === '' ? [] : [JSON_TYPE],
  body: Buffer.from(body),
});

/** A call, `of` a method and a content type. */
const call = (of: string, body: Buffer | string, fields: readonly Field[] = []) => ({
  method: 'POST',
  path: `${SERVICE}/${of.split(' ')[0]}`,
  fields: [['content-type', of.split(' ')[1] ?? ''], ...fields] satisfies readonly Field[],
  body: Buffer.from(body),
});

const three = Buffer.concat([frame(MESSAGE), frame(MESSAGE), frame(MESSAGE)]);
const zipped = frame(gzipSync(MESSAGE), 1);

/** Valid requests of every protocol. */
const VALID: readonly [Omit<FuzzedRequest, 'version'>, ...Omit<FuzzedRequest, 'version'>[]] = [
  json('POST', '/v1/plain', PLAIN),
  json('POST', '/v1/all', ALL),
  json('GET', '/v1/plain?a=1&b=2&ratio=0.5'),
  json('GET', '/v1/books/one%20two?name=books/x'),
  json('GET', '/v1/books/a:watch'),
  json('POST', '/v1/sum', `${PLAIN}\n${PLAIN}\n`),
  json('POST', '/v1/chat', `${PLAIN}\n${PLAIN}\n`),
  {
    ...json('GET', '/v1/books/a:watch'),
    fields: [
      ['accept', 'text/event-stream'],
      ['last-event-id', '7'],
    ],
  },
  { ...json('POST', '/v1/plain'), fields: [JSON_TYPE, ['content-encoding', 'gzip']], body: gzipSync(PLAIN) },
  {
    ...json('OPTIONS', '/v1/plain'),
    fields: [
      ['origin', 'http://a'],
      ['access-control-request-method', 'POST'],
    ],
  },
  json('GET', '/'),
  json('GET', '/readyz'),
  call('EchoPlain application/json', PLAIN, [
    ['connect-protocol-version', '1'],
    ['connect-timeout-ms', '500'],
  ]),
  call('EchoAll application/json', ALL),
  call('EchoPlain application/proto', MESSAGE, [['accept-encoding', 'gzip']]),
  call('EchoPlain application/proto', gzipSync(MESSAGE), [['content-encoding', 'gzip']]),
  { ...json('GET', `${SERVICE}/GetBook?connect=v1&encoding=json&message=%7B%22name%22%3A%22b%22%7D`) },
  { ...json('GET', `${SERVICE}/GetBook?connect=v1&encoding=proto&base64=1&message=CgNhYmM`) },
  call('Watch application/connect+proto', frame(TEXT)),
  call('Watch application/connect+json', frame(Buffer.from('{"name":"b"}'))),
  call('Sum application/connect+proto', three),
  call('Chat application/connect+proto', three, [['connect-content-encoding', 'gzip']]),
  call('EchoPlain application/grpc-web', frame(MESSAGE), [['grpc-timeout', '500m']]),
  call('EchoPlain application/grpc-web-text', frame(MESSAGE).toString('base64')),
  call('Chat application/grpc-web+proto', three),
  call('EchoPlain application/grpc', frame(MESSAGE), [
    ['te', 'trailers'],
    ['grpc-timeout', '500m'],
  ]),
  call('EchoPlain application/grpc', zipped, [
    ['grpc-encoding', 'gzip'],
    ['grpc-accept-encoding', 'gzip'],
  ]),
  call('EchoAll application/grpc+json', frame(Buffer.from(ALL)), [
    ['x-data-bin', 'AAEC'],
    ['x-text', 'a'],
  ]),
  call('Sum application/grpc', three, [['te', 'trailers']]),
  call('Watch application/grpc', frame(TEXT)),
  call('Chat application/grpc', three),
  {
    ...call(' application/grpc', frame(Buffer.from([0x3a, 0]))),
    path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  },
  { ...call(' application/grpc', frame(Buffer.alloc(0))), path: '/grpc.health.v1.Health/Check' },
];

/** A valid request. */
export function drawRequest(draw: Draw): FuzzedRequest {
  return { version: draw.chance(0.5) ? 1 : 2, ...draw.one(VALID) };
}
