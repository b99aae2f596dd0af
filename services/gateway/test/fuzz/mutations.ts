import { deflateSync, gzipSync } from 'node:zlib';
import { frame } from '../support/calling.js';
import type { Draw } from './draw.js';
import type { Field, FuzzedRequest } from './requests.js';

/** Changes a part of a request. */
type Mutation = (request: FuzzedRequest, draw: Draw) => FuzzedRequest;

/** Words between spaces. */
const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'get', 'X', 'M-SEARCH'] as const;
const TYPES = [
  'application/json',
  'application/proto',
  'application/grpc',
  'application/grpc+json',
  'application/grpc-web',
  'application/grpc-web-text+json',
  'application/connect+json',
  'application/connect+proto',
  'application/x-www-form-urlencoded',
  'APPLICATION/JSON; charset=utf-16; ;',
  'application/grpc;',
  'text/plain',
  '',
  ';',
] as const;
const NAMES = words(`
  __proto__ accept accept-encoding connect-content-encoding connect-protocol-version connect-timeout-ms
  connection constructor content-encoding content-length cookie expect grpc-accept-encoding grpc-encoding
  grpc-status grpc-timeout host idempotency-key if-match if-none-match last-event-id origin prefer range
  rondo-version te traceparent trailer transfer-encoding upgrade x-any-bin x-forwarded-for x_y.z
`);
const VALUES = [
  '',
  ' ',
  '0',
  '-1',
  '1e9',
  '99999999H',
  '999999999999999999999',
  '*',
  ',',
  ',,;q=,;',
  'gzip;q=nan, identity;q=0',
  'gzip',
  'br, zstd',
  'close, te, x-text, content-type',
  'chunked, chunked',
  '100-continue',
  'h2c, websocket',
  '"a", W/"b"',
  '"\u0080"',
  '%',
  '==',
  'AA=A',
  '\t\u00ff',
  'null',
  'http://[::1',
  '00-00000000000000000000000000000000-0000000000000000-00',
  '[::ffff:1.2.3.4]:99999, unknown',
  'text/event-stream',
] as const;
const PATHS = [
  '',
  '*',
  '//',
  '/%00',
  '/%',
  '/%zz',
  '/v1/books/%C0%AF',
  '/v1/books/%2F..%2f',
  '/v1/books/:',
  '/v1/books/a:watch:watch',
  '/v1/../v1/plain',
  '/v1/plain?a=1&a=2&c.d.e=1&=&%=%',
  '/v1/plain?__proto__=1&constructor.name=x&a.b=1',
  '/v1/plain?ratio=NaN&a=99999999999999999999999',
  '/test.v1.TestService/',
  '/test.v1.TestService/EchoPlain/x',
  '/test.v1.TestService/__proto__',
  '/constructor/toString',
  '/test.v1.TestService/GetBook?connect=v1&encoding=json&base64=1&message=%FF',
  'http://other/v1/plain',
  'http:/v1/plain',
] as const;
const TOKENS = [
  'null',
  '[]',
  '{}',
  '""',
  '-0',
  '1e999',
  '123456789012345678901234567890',
  `0.${'1'.repeat(400)}`,
  '"\\ud800"',
  '"\\u0000"',
  '"NaN"',
  '"__proto__"',
  '{"__proto__":{"a":1}}',
  '{"a":1,"a":2}',
  '{"@type":"type.googleapis.com/none.v1.None","x":1}',
  '{"@type":"type.googleapis.com/test.v1.All","any":{"@type":""}}',
  `${'['.repeat(300)}${']'.repeat(300)}`,
  `${'{"nested":'.repeat(200)}{}${'}'.repeat(200)}`,
  '"9999-12-31T23:59:60Z"',
  '"-315576000001s"',
  '{"a":',
  '\ufeff{}',
] as const;

const replaceAt = <T>(items: readonly T[], at: number, ...by: readonly T[]) => [
  ...items.slice(0, at),
  ...by,
  ...items.slice(at + 1),
];

/** A position of a body, or of anything else with a length. */
const within = ({ length }: { readonly length: number }, draw: Draw) => draw.below(length + 1);

/** Replaces bytes. */
const splice = (body: Buffer, [at, drop]: readonly [at: number, drop: number], by: Uint8Array) =>
  Buffer.concat([body.subarray(0, at), by, body.subarray(at + drop)]);

const setType: Mutation = (request, draw) => ({
  ...request,
  fields: [...request.fields.filter(([name]) => name !== 'content-type'), ['content-type', draw.one(TYPES)]],
});

const addField: Mutation = (request, draw) => {
  const field: Field = [draw.one(NAMES), draw.one(VALUES)];
  return { ...request, fields: replaceAt([...request.fields, field], -1, field) };
};

const changeField: Mutation = (request, draw) => {
  const at = draw.below(request.fields.length);
  const field = request.fields[at];
  if (field === undefined) return request;
  const [name, value] = field;
  const changed: readonly Field[] = draw.one<readonly Field[]>([
    [],
    [field, field],
    [[name.toUpperCase(), value]],
    [[name, draw.one(VALUES)]],
    [[name, value.slice(0, within(value, draw))]],
    [[name, `${value}${draw.one(VALUES)}`]],
    [[name, 'x'.repeat(draw.one([300, 5_000, 20_000]))]],
  ]);
  return { ...request, fields: replaceAt(request.fields, at, ...changed) };
};

const manyFields: Mutation = (request, draw) => {
  const count = draw.one([50, 110, 140]);
  const more = Array.from({ length: count }, (_, index): Field => [`x-${index}${draw.one(['', '-bin'])}`, 'AAAA']);
  return { ...request, fields: [...request.fields, ...more] };
};

const changePath: Mutation = (request, draw) => {
  const { path } = request;
  const at = within(path, draw);
  const piece = draw.one(['%', '%2F', '%e2%98', ':', '/', '?', '&', '=', '\u00e4', '.', '*', '{', 'x'.repeat(2_000)]);
  return { ...request, path: draw.one([draw.one(PATHS), `${path.slice(0, at)}${piece}${path.slice(at)}`]) };
};

const changeBytes: Mutation = (request, draw) => {
  const { body } = request;
  const at = within(body, draw);
  const changed = draw.one([
    body.subarray(0, at),
    splice(body, [at, draw.below(4)], draw.bytes(1 + draw.below(4))),
    splice(body, [at, 1], Buffer.from([(body[at] ?? 0) ^ (1 << draw.below(8))])),
    Buffer.concat([body, body]),
    Buffer.alloc(0),
    draw.bytes(draw.below(60)),
  ]);
  return { ...request, body: changed };
};

/** Replaces a value of a JSON body, whatever the content type says. */
const changeJson: Mutation = (request, draw) => {
  const text = request.body.toString('latin1');
  const values = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.e+]*|true|null/g)];
  const found = values[draw.below(values.length)];
  const token = Buffer.from(draw.one(TOKENS));
  if (found === undefined || draw.chance(0.1)) return { ...request, body: token };
  return { ...request, body: splice(request.body, [found.index, found[0].length], token) };
};

const changeEnvelope: Mutation = (request, draw) => {
  const body = Buffer.from(request.body.length < 5 ? frame(request.body) : request.body);
  if (draw.chance(0.5)) body[0] = draw.one([1, 2, 3, 0x80, 0xff]);
  else body.writeUInt32BE(draw.one([0, 1, body.length, 2 ** 22, 2 ** 22 + 1, 2 ** 31, 2 ** 32 - 1]), 1);
  return { ...request, body };
};

const compress: Mutation = (request, draw) => {
  const name = draw.one(['content-encoding', 'grpc-encoding', 'connect-content-encoding']);
  const whole = gzipSync(draw.chance(0.1) ? Buffer.alloc(8 * 2 ** 20) : request.body);
  const body = draw.one([
    whole,
    whole.subarray(0, within(whole, draw)),
    splice(whole, [within(whole, draw), 1], draw.bytes(1)),
    Buffer.concat([whole, whole]),
    deflateSync(request.body),
    frame(whole, 1),
  ]);
  return { ...request, body, fields: [...request.fields, [name, draw.one(['gzip', 'GZIP', 'x-gzip', 'gzip, gzip'])]] };
};

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  setType,
  addField,
  addField,
  changeField,
  changeField,
  manyFields,
  changePath,
  changeBytes,
  changeBytes,
  changeJson,
  changeJson,
  changeEnvelope,
  compress,
  (request, draw) => ({ ...request, method: draw.one(METHODS) }),
  (request) => ({ ...request, version: request.version === 1 ? 2 : 1 }),
];

/** Changes up to three parts of a request; sometimes none. */
export function mutate(request: FuzzedRequest, draw: Draw): FuzzedRequest {
  let changed = request;
  for (let count = draw.below(4); count > 0; count -= 1) changed = draw.one(MUTATIONS)(changed, draw);
  return changed;
}
