import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { Metadata } from '@rondo/rpc/call';
import { packDetail, RpcError, Status } from '@rondo/rpc/status';
import { echoBackend, frame, frames, gateway, type Sent, send1, send2 } from '../../test/support/calling.js';
import { closeAll, logged } from '../../test/support/listening.js';
import { type NoteMethod, note, noteCatalogue, pathOf } from '../../test/support/note-service.js';
import type { Backend } from './backend.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

async function call(backend: Backend, { version = '2', ...sent }: Sent & { readonly version?: string }) {
  const { port, session } = await gateway({ backend, maxMessageBytes: 10_000 });
  return version === '2' ? send2(await session(), sent) : send1(port, sent);
}

const PROTO = { 'content-type': 'application/proto' };
const JSON_TYPE = { 'content-type': 'application/json' };
const failure = new RpcError(Status.NOT_FOUND, 'there is no note', {
  details: [packDetail(BadRequest, { fieldViolations: [{ field: 'text', description: 'is empty' }] })],
  metadata: new Metadata({ 'x-t': 't' }),
});

describe.each(['1.1', '2'])('a unary call of Connect over HTTP/%s', (version) => {
  it('carries bytes that it does not read', async () => {
    const { backend, calls } = echoBackend({
      header: new Metadata({ 'x-h': 'h' }),
      trailer: new Metadata({ 'x-t': 't' }),
    });
    const unreadable = Buffer.from([0xff, 0xff]);
    const headers = { ...PROTO, 'connect-protocol-version': '1', 'connect-timeout-ms': '1000000', 'x-a': 'b' };
    const answer = await call(backend, { version, path: pathOf('Put'), headers, chunks: [unreadable] });
    expect(answer).toMatchObject({
      status: 200,
      body: unreadable,
      headers: { 'content-type': 'application/proto', 'content-length': '2', 'x-h': 'h', 'trailer-x-t': 't' },
    });
    expect(calls[0]?.timeoutMs).toBeGreaterThan(0);
    expect([...(calls[0]?.metadata ?? [])].map(([key]) => key)).not.toContain('connect-timeout-ms');
    expect(calls[0]?.metadata.get('x-a')).toBe('b');
  });

  it('carries JSON, and refuses fields that the instance does not know', async () => {
    const { backend } = echoBackend();
    const put = (json: string) =>
      call(backend, { version, path: pathOf('Put'), headers: JSON_TYPE, chunks: [Buffer.from(json)] });
    const refused = await put('{"text":"é","later":1}');
    expect(refused.status).toBe(400);
    expect(String(refused.body)).toContain('later: is not a field of notes.v1.PutMessage; it has text, number.');
    const answer = await put('{"text":"é","number":9007199254740993}');
    expect(answer.headers['content-type']).toBe('application/json');
    expect(String(answer.body)).toBe('{"text":"é","number":"9007199254740993"}');
  });

  it('answers an error as JSON', async () => {
    const answer = await call(() => Promise.reject(failure), { version, path: pathOf('Put'), headers: PROTO });
    expect(answer).toMatchObject({ status: 404, headers: { 'content-type': 'application/json', 'trailer-x-t': 't' } });
    const { code, message, details } = JSON.parse(String(answer.body));
    expect({ code, message }).toEqual({ code: 'not_found', message: 'there is no note' });
    expect(details).toEqual([
      { type: 'google.rpc.BadRequest', value: failure.details[0]?.value.toString('base64').replace(/=+$/, '') },
    ]);
  });

  it('inflates the request and compresses the answer', async () => {
    const { backend } = echoBackend();
    const large = Buffer.alloc(5_000, 'x');
    const headers = { ...PROTO, 'content-encoding': 'gzip', 'accept-encoding': 'br, gzip' };
    const answer = await call(backend, { version, path: pathOf('Put'), headers, chunks: [gzipSync(large)] });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(answer.body)).toEqual(large);
  });
});

const bomb = gzipSync(Buffer.alloc(1_000_000));
const a = note('a');
const proto = (name: string, value: string) => ({ ...PROTO, [name]: value });

const BROKEN: readonly (readonly [string, Record<string, string>, Buffer, number, string, string])[] = [
  ['a malformed timeout', proto('connect-timeout-ms', '1s'), a, 400, 'invalid_argument', 'Connect-Timeout-Ms'],
  ['no time left', proto('connect-timeout-ms', '0'), a, 504, 'deadline_exceeded', '0 ms'],
  ['another version', proto('connect-protocol-version', '2'), a, 400, 'invalid_argument', 'version'],
  ['an unknown encoding', proto('content-encoding', 'br'), a, 501, 'unimplemented', 'gzip,identity'],
  ['too large a body', PROTO, Buffer.alloc(10_001), 429, 'resource_exhausted', '10000 bytes'],
  ['too large a body in gzip', proto('content-encoding', 'gzip'), bomb, 429, 'resource_exhausted', '10000 bytes'],
  ['no JSON', JSON_TYPE, Buffer.from('{"text":'), 400, 'invalid_argument', 'JSON'],
  ['nothing as JSON', JSON_TYPE, Buffer.alloc(0), 400, 'invalid_argument', 'JSON'],
  ['a key twice', JSON_TYPE, Buffer.from('{"text":"a","text":"b"}'), 400, 'invalid_argument', 'JSON'],
];

describe('a unary request of Connect that breaks the rules', () => {
  it.each(BROKEN)('has %s', async (...[, headers, body, status, code, text]) => {
    const { backend } = echoBackend();
    const answer = await call(backend, { path: pathOf('Put'), headers, chunks: [body] });
    expect(answer.status).toBe(status);
    const error = JSON.parse(String(answer.body));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });

  it.each(['"%s"', '"\\u0031%s"', '" -%s"', '{"%s": 1}'])('has a number with endless digits: %s', async (form) => {
    const { backend } = echoBackend();
    const text = `{"number": ${form.replace('%s', '0'.repeat(100_001))}}`;
    const { session } = await gateway({ backend });
    const sent = { path: pathOf('Put'), headers: JSON_TYPE, chunks: [Buffer.from(text)] };
    const answer = await send2(await session(), sent);
    expect(String(answer.body)).toContain('number: must be a whole number from -9223372036854775808 to');
  });

  it('has more values than a gateway reads', async () => {
    const { backend } = echoBackend();
    const chunks = [Buffer.from(`{"numbers": [${'1,'.repeat(100_000)}1]}`)];
    const { session } = await gateway({ backend });
    const answer = await send2(await session(), { path: pathOf('Put'), headers: JSON_TYPE, chunks });
    expect(answer.status).toBe(400);
    expect(String(answer.body)).toContain('the body: has more than 100000 values');
  });

  it('tells the client of its JSON, whatever the backend makes of it', async () => {
    const backend: Backend = async ({ request }) => {
      try {
        if (typeof request === 'function') request({} as never);
      } catch {
        throw new RpcError(Status.INTERNAL, 'internal error');
      }
      throw new Error('unreachable');
    };
    const answer = await call(backend, { path: pathOf('Put'), headers: JSON_TYPE, chunks: [Buffer.from('{')] });
    expect(answer.status).toBe(400);
  });

  it('tries another instance if one lacks the method', async () => {
    const asked: unknown[] = [];
    const put = noteCatalogue.method(pathOf('Put'));
    if (typeof put === 'string' || 'reason' in put) throw new Error('no method');
    const { session } = await gateway({
      catalogue: { ...noteCatalogue, method: () => ({ ...put, descAt: () => undefined }) },
      backend: async ({ request }) => {
        asked.push(typeof request === 'function' ? request({} as never) : 'constant');
        throw new RpcError(Status.UNAVAILABLE, 'no instance');
      },
    });
    const sent = { path: pathOf('Put'), headers: JSON_TYPE, chunks: [Buffer.from('{}')] };
    expect(await send2(await session(), sent)).toMatchObject({ status: 503 });
    expect(asked).toEqual([undefined]);
  });
});

/** The query of a GET. */
function query(parameters: Record<string, string>): string {
  return Object.entries(parameters)
    .map(([key, value]) => `${key}=${value}`)
    .join('&');
}

const REFUSED_GETS: readonly (readonly [string, NoteMethod, Record<string, string>, number])[] = [
  ['a method with side effects', 'Put', { encoding: 'proto', message: '' }, 405],
  ['no message', 'Get', { encoding: 'proto' }, 415],
  ['an unknown codec', 'Get', { encoding: 'xml', message: '' }, 415],
  ['another version', 'Get', { connect: 'v2', encoding: 'proto', message: '' }, 400],
  ['an unknown encoding', 'Get', { compression: 'br', encoding: 'proto', message: '' }, 501],
  ['no base64', 'Get', { base64: '1', encoding: 'proto', message: '!' }, 400],
];

describe('a GET of Connect', () => {
  const binary = Buffer.from([0x0a, 0x01, 0xff, 0x25]);

  it.each([
    ['base64 for URLs', { base64: '1', encoding: 'proto', message: binary.toString('base64url') }],
    ['padded base64', { base64: '1', encoding: 'proto', message: encodeURIComponent(binary.toString('base64')) }],
    ['base64 with plain plus signs', { base64: '1', encoding: 'proto', message: binary.toString('base64') }],
    ['percent-encoded bytes', { encoding: 'proto', message: '%0a%01%ff%25' }],
    ['gzip', { base64: '1', compression: 'gzip', encoding: 'proto', message: gzipSync(binary).toString('base64url') }],
  ])('takes %s', async (_title, parameters) => {
    const { backend } = echoBackend();
    const path = `${pathOf('Get')}?${query({ connect: 'v1', ...parameters })}`;
    const answer = await call(backend, { version: '1.1', method: 'GET', path });
    expect(answer).toMatchObject({ status: 200, body: binary, headers: { vary: 'accept-encoding' } });
  });

  it('takes JSON', async () => {
    const { backend } = echoBackend();
    const path = `${pathOf('Get')}?${query({ encoding: 'json', message: encodeURIComponent('{"text":"a+b"}') })}`;
    const answer = await call(backend, { method: 'GET', path });
    expect(String(answer.body)).toBe('{"text":"a+b"}');
  });

  it.each(REFUSED_GETS)('refuses %s', async (...[, method, parameters, status]) => {
    const { backend } = echoBackend();
    const answer = await call(backend, { method: 'GET', path: `${pathOf(method)}?${query(parameters)}` });
    expect(answer.status).toBe(status);
  });
});

const STREAM = { 'content-type': 'application/connect+proto' };

/** The messages of a body, and its end. */
function parse(body: Buffer) {
  const all = frames(body);
  const last = all.pop();
  expect(last?.flags).toBe(2);
  return { messages: all.map(({ data }) => String(data)), end: JSON.parse(String(last?.data)) };
}

const stream = (name: string, value: string) => ({ ...STREAM, [name]: value });
const JSON_STREAM = { 'content-type': 'application/connect+json' };
const IDENTITY = stream('connect-content-encoding', 'identity');

const REFUSED_STREAMS: readonly (readonly [string, NoteMethod, Record<string, string>, readonly Buffer[], string])[] = [
  ['no request', 'List', STREAM, [], 'unimplemented'],
  ['two requests', 'List', STREAM, [frame(a), frame(note('b'))], 'unimplemented'],
  ['half a request', 'Collect', STREAM, [frame(a).subarray(0, 6)], 'internal'],
  ['too large a request', 'Chat', STREAM, [frame(Buffer.alloc(10_001))], 'resource_exhausted'],
  ['a malformed timeout', 'Chat', stream('connect-timeout-ms', '-1'), [], 'invalid_argument'],
  ['an unknown encoding', 'Chat', stream('connect-content-encoding', 'br'), [], 'unimplemented'],
  ['an unexpected flag', 'List', IDENTITY, [frame(a, 1)], 'internal'],
  ['JSON that is none', 'Chat', JSON_STREAM, [frame(Buffer.from('{'))], 'invalid_argument'],
];

describe.each(['1.1', '2'])('a stream of Connect over HTTP/%s', (version) => {
  it.each([
    ['List', ['a'], ['a']],
    ['Collect', ['a', 'b'], ['ab']],
    ['Chat', ['a', 'b'], ['a', 'b']],
  ] as const)('carries a call of %s', async (method, requests, replies) => {
    const trailer = new Metadata([
      ['x-t', 't1'],
      ['x-t', 't2'],
    ]);
    const { backend } = echoBackend({ trailer });
    const chunks = requests.map((text) => frame(Buffer.from(text)));
    const answer = await call(backend, { version, path: pathOf(method), headers: STREAM, chunks });
    expect(answer).toMatchObject({ status: 200, headers: STREAM });
    expect(parse(answer.body)).toEqual({ messages: replies, end: { metadata: { 'x-t': ['t1', 't2'] } } });
  });

  it('carries JSON', async () => {
    const { backend } = echoBackend();
    const chunks = ['{"text":"a"}', '{"text":"b"}'].map((json) => frame(Buffer.from(json)));
    const answer = await call(backend, { version, path: pathOf('Chat'), headers: JSON_STREAM, chunks });
    expect(parse(answer.body).messages).toEqual(['{"text":"a"}', '{"text":"b"}']);
  });

  it('ends with the error', async () => {
    const backend: Backend = () => Promise.reject(failure);
    const answer = await call(backend, { version, path: pathOf('List'), headers: STREAM, chunks: [frame(note('a'))] });
    expect(answer.status).toBe(200);
    expect(parse(answer.body).end).toMatchObject({ error: { code: 'not_found' }, metadata: { 'x-t': ['t'] } });
  });

  it.each(REFUSED_STREAMS)('refuses %s', async (...[, method, headers, chunks, code]) => {
    const { backend } = echoBackend();
    const answer = await call(backend, { version, path: pathOf(method), headers, chunks });
    expect(answer.status).toBe(200);
    expect(parse(answer.body).end.error.code).toBe(code);
  });
});
