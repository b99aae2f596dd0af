import { gzipSync } from 'node:zlib';
import { create, createFileRegistry, fromBinary, fromJson } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { toJsonValue } from '../../src/http-json/json.js';
import { ask, type Setting } from './ask.js';
import { binding, target } from './contract.js';

const ALL = binding('POST /v1/all', '*');
const PLAIN = binding('POST /v1/plain', '*');
const GET_ALL = binding('GET /v1/all');
const echo = (body: string, more: Partial<Setting> = {}) =>
  ask({ target: target('EchoAll'), binding: ALL, body, ...more });

describe('a body', () => {
  // json-conformance.ci.test.ts has each kind of value.
  it.each([
    ['{"text": null, "number": 0}', { number: 0 }],
    ['{"struct": {"a": [1, null, {"b": "c"}]}, "value": null}', { struct: { a: [1, null, { b: 'c' }] }, value: null }],
    ['', {}],
  ])('%s is read', async (body, seen) => {
    const answer = await echo(body);
    expect(answer).toMatchObject({ status: 200, seen });
  });

  it.each([
    ['{"int32Value": 2147483648}', 'int32Value: must be a whole number'],
    ['{"nme": "x"}', 'nme: is not a field of test.v1.All'],
    ['{"name": "a", "name": "b"}', 'the body: is not JSON'],
    ['{"int64Value": "1", "int64_value": "2"}', 'set multiple times'],
    ['{"text": "a", "number": 1}', 'oneof'],
    ['{"tags": [null]}', 'tags[0]: must be text'],
    ['{"any": {"@type": "type.googleapis.com/no.Such"}}', 'any: "@type" must name a message'],
    ['[]', 'the request: must be an object'],
  ])('%s is refused by field', async (body, text) => {
    const answer = await echo(body);
    expect(answer).toMatchObject({ status: 400, json: { code: 3 }, seen: undefined });
    expect(answer.text.replaceAll('\\"', '"')).toContain(text);
  });

  it('is refused before it is parsed if it has more than 100,000 values', async () => {
    const tags = (count: number) => echo(`{"tags": [${'"",'.repeat(count)}""]}`, { maxMessageBytes: 1_000_000 });
    const answer = await tags(100_000);
    expect(answer).toMatchObject({ status: 400, json: { code: 3 }, seen: undefined });
    expect(answer.text).toContain('the body: has more than 100000 values; send less');
    expect(await tags(99_997)).toMatchObject({ status: 200 });
  });

  it('has every violation in BadRequest', async () => {
    const { json } = await echo('{"nme": 1, "int32Value": "x"}');
    expect(json).toMatchObject({
      details: [{ '@type': 'type.googleapis.com/google.rpc.BadRequest' }],
      message: expect.stringMatching(/nme.*int32Value/),
    });
  });

  it('keeps the sign of -0, both ways', async () => {
    for (const body of ['{"doubleValue": -0.0}', '{"ratio": -0.0}', '{"ratio": -0, "a": 1234567890123456}']) {
      const all = body.includes('double');
      const answer = await (all ? echo(body) : ask({ target: target('EchoPlain'), binding: PLAIN, body }));
      expect(answer.text).toMatch(/"(?:doubleValue|ratio)":-0[,}]/);
    }
  });

  it.each([
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-type': 'application/json; charset=utf-8' }, 200],
    [{ 'content-type': 'application/merge-patch+json' }, 200],
    [{ 'content-encoding': 'br' }, 415],
  ])('with %j is answered with %i', async (headers, status) => {
    expect(await echo('{}', { headers })).toMatchObject({ status });
  });

  it('is inflated, within the limit', async () => {
    const headers = { 'content-encoding': 'gzip' };
    expect(await echo('', { headers, body: gzipSync('{"name": "a"}') })).toMatchObject({ seen: { name: 'a' } });
    const bomb = gzipSync(`{"name": "${'a'.repeat(3000)}"}`);
    expect(await echo('', { headers, body: bomb })).toMatchObject({ status: 413, json: { code: 8 } });
    expect(await echo('', { headers, body: 'no gzip' })).toMatchObject({ status: 400 });
  });

  it('is refused if it is too large or no UTF-8', async () => {
    expect(await echo(`{"name": "${'a'.repeat(3000)}"}`)).toMatchObject({ status: 413 });
    expect(await echo('', { body: Buffer.from([0x22, 0xff]) })).toMatchObject({ status: 400 });
  });
});

describe('a query', () => {
  const query = (text: string) => ask({ target: target('EchoAll'), binding: GET_ALL, query: text });

  it.each([
    ['int64_value=9007199254740993&boolValue=true', { int64Value: '9007199254740993', boolValue: true }],
    ['tags=a&tags=b%26&nested.nested.name=x+y', { tags: ['a', 'b&'], nested: { nested: { name: 'x y' } } }],
    ['color=COLOR_RED&colors=1&colors=COLOR_RED', { color: 'COLOR_RED', colors: ['COLOR_RED', 'COLOR_RED'] }],
    [
      'time=2026-11-20T08:30:00.000000001Z&duration=1.5s',
      { time: '2026-11-20T08:30:00.000000001Z', duration: '1.500s' },
    ],
    ['mask=a.b,c&int64Wrapper=0&stringWrapper=', { mask: 'a.b,c', int64Wrapper: '0', stringWrapper: '' }],
    ['doubleValue=-Infinity&maybe=0&text=', { doubleValue: '-Infinity', maybe: 0, text: '' }],
    ['name=100%25%&tags=%C3%A9%&tags=é', { name: '100%%', tags: ['é%', 'é'] }],
    ['mask=a_b.c_1,d_&times=2026-11-20T08:30:00%2B01:00', { mask: 'aB.c1,d', times: ['2026-11-20T07:30:00Z'] }],
    ['bytesValue=%2B/8=', { bytesValue: '+/8=' }],
    ['times=2026-11-20T08:30:00Z', { times: ['2026-11-20T08:30:00Z'] }],
  ])('%s is read', async (text, seen) => {
    expect(await query(text)).toMatchObject({ status: 200, seen });
  });

  it.each([
    ['nme=x', 'Did you mean "name"?'],
    ['name=a&name=b', 'name: is in the query 2 times'],
    ['tags=a&tags=%C3', 'tags: is not UTF-8'],
    ['name=%ED%A0%80', 'name: is not UTF-8'],
    ['%C3=a', '\ufffd: is not UTF-8'],
    ['nested=x', 'nested: is a message; name a field of it'],
    ['name.x=1', 'name.x: is not a field; name has no fields'],
    ['time=2026-11-20T08:30:00+05:30', 'time: has a space, which a + in a query stands for; write + as %2B'],
    ['times=2026-11-20T08:30:00+05:30', 'write + as %2B'],
    ['bytesValue=/+8=', 'write + as %2B'],
    ['boolValue=yes', 'boolValue: must be true or false'],
    ['maybe=x', 'maybe: must be a whole number'],
    ['list=x', 'list is a list of messages, which a query can’t hold'],
    ['list.name=x', 'list is a list of messages, which a query can’t hold; call the method with a body'],
    ['struct.a=1', 'struct has no fields in a query'],
    [`${'nested.'.repeat(32)}text=x`, 'is nested more than 32 deep; send less'],
  ])('%s is refused by field', async (text, reason) => {
    const answer = await query(text);
    expect(answer.status).toBe(400);
    expect(answer.text.replaceAll('\\"', '"')).toContain(reason);
  });

  it('names no more than its first hundred faults', async () => {
    const query = Array.from({ length: 150 }, (_, index) => `n${index}=1`).join('&');
    const { text } = await ask({ target: target('EchoAll'), binding: GET_ALL, query });
    const [, left] = /and (\d+) more/.exec(text) ?? [];
    expect((text.match(/n\d+: is not/g) ?? []).length + Number(left)).toBe(100);
  });

  it('is refused next to a body that is the whole request', async () => {
    expect(await echo('{}', { query: 'name=a' })).toMatchObject({ status: 400 });
  });
});

describe('a path', () => {
  it.each([
    ['{"name": "path", "tags": ["t"]}', { nested: { name: 'path', tags: ['t'] } }],
    ['{"name": ""}', { nested: { name: 'path' } }],
    ['{"name": null}', { nested: { name: 'path' } }],
    ['{"name": "body"}', 'nested.name: is "body", and "path" in the path of the URL; leave it out, or correct the URL'],
  ])('sets what a body may repeat, but not contradict: %s', async (body, expected) => {
    const put = binding('PUT /v1/{nested.name}', 'nested');
    const variables = { 'nested.name': 'path' };
    const { seen, json } = await ask({ target: target('EchoAll'), binding: put, body, variables });
    expect(seen ?? Object(json).message).toEqual(
      typeof expected === 'string' ? expected : expect.objectContaining(expected),
    );
  });

  it('may not be contradicted by the query either, also with numbers', async () => {
    const get = binding('GET /v1/{int64_value}/{name}');
    const variables = { int64_value: '5', name: 'a' };
    const asked = (query: string) => ask({ target: target('EchoAll'), binding: get, query, variables });
    expect(await asked('int64Value=5&name=a')).toMatchObject({ status: 200, seen: { int64Value: '5', name: 'a' } });
    const { status, json } = await asked('int64Value=7&name=b');
    expect([status, Object(json).message]).toEqual([
      400,
      expect.stringMatching(/int64_value: is "7", and "5" in the path.*name: is "b", and "a" in the path/),
    ]);
  });

  it('has values of other types instead of the query', async () => {
    const get = binding('GET /v1/{color}/{bool_value}');
    const variables = { color: '1', bool_value: 'true' };
    expect(await ask({ target: target('EchoAll'), binding: get, query: 'color=7', variables })).toMatchObject({
      seen: { color: 'COLOR_RED', boolValue: true },
    });
  });

  it('is refused by field', async () => {
    const get = binding('GET /v1/{int32_value}');
    const answer = await ask({ target: target('EchoAll'), binding: get, variables: { int32_value: 'x' } });
    expect(answer).toMatchObject({ status: 400, json: { message: expect.stringContaining('int32Value') } });
  });
});

describe('a reply', () => {
  it('has fields without presence even if they are zero', async () => {
    const { text } = await ask({ target: target('EchoPlain'), binding: PLAIN, body: '{}' });
    expect(text).toBe('{"a":"0","b":"0","ratio":0}');
  });

  it('can be one field of the message', async () => {
    const post = binding('POST /v1/all', '*', 'tags');
    expect(await echo('{"tags": ["a"]}', { binding: post })).toMatchObject({ text: '["a"]' });
  });

  it('shows an Any of an unknown type as base64', async () => {
    const unknown = Buffer.from([0x62, 8, 0x0a, 3, 0x78, 0x2f, 0x79, 0x12, 1, 9]);
    const answer = await echo('{}', { replyBytes: unknown });
    expect(answer.json).toMatchObject({ any: { '@type': 'x/y', value: 'CQ==' } });
  });

  it.each([
    ['a field of a Struct', [0x0a, 5, 0x0a, 1, 0x61, 0x12, 0]],
    ['an entry without a value', [0x0a, 3, 0x0a, 1, 0x61]],
    ['an element of a list', [0x0a, 9, 0x0a, 1, 0x61, 0x12, 4, 0x32, 2, 0x0a, 0]],
  ])('names a Value without a kind, which is %s, by its field', async (_what, struct) => {
    const replyBytes = Buffer.from([0x92, 0x01, struct.length, ...struct]);
    const text =
      /struct\.fields.* of the reply, a test\.v1\.All, has no JSON: google\.protobuf\.Value must have a value/;
    expect(await echo('{}', { replyBytes })).toMatchObject({ status: 500, text: expect.stringMatching(text) });
  });

  it('is compressed from 1 KiB if the client accepts that, and caches learn of it', async () => {
    const body = `{"name": "${'a'.repeat(1_100)}"}`;
    const compressed = await echo(body, { headers: { 'accept-encoding': 'br, gzip' } });
    expect(compressed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
    expect(compressed.headers['content-length']).toBeLessThan(200);
    const plain = await echo(body);
    expect(plain.headers).toMatchObject({ 'content-length': plain.text.length, vary: 'accept-encoding' });
    expect(plain.headers['content-encoding']).toBeUndefined();
    const small = await echo(`{"name": "${'a'.repeat(500)}"}`, { headers: { 'accept-encoding': 'gzip' } });
    expect(small.headers['content-encoding']).toBeUndefined();
  });

  it('has no body after HEAD', async () => {
    const answer = await ask({ target: target('EchoAll'), binding: GET_ALL, method: 'HEAD', query: 'name=a' });
    expect(answer).toMatchObject({ status: 200, text: '' });
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(10);
  });
});

describe('int64_as_number', () => {
  const numbers = target('EchoPlain', { int64AsNumber: true });
  const all = target('EchoAll', { int64AsNumber: true });

  it('writes and reads numbers, within ±2^53 inclusive', async () => {
    const answer = await ask({ target: numbers, binding: PLAIN, body: '{"a":9007199254740992,"b":-9007199254740992}' });
    expect(answer.text).toBe('{"a":9007199254740992,"b":-9007199254740992,"ratio":0}');
    const nested = '{"list": [{"int64Value": 5}], "int64Wrapper": 6}';
    expect((await ask({ target: all, binding: ALL, body: nested })).json).toMatchObject({
      list: [{ int64Value: 5 }],
      int64Wrapper: 6,
    });
  });

  it.each(['9007199254740993', '-9007199254740993', '"9007199254740993"', '9007199254740993.0', '1e16'])(
    'refuses %s in a request',
    async (a) => {
      const answer = await ask({ target: numbers, binding: PLAIN, body: `{"a":${a}}` });
      expect(answer).toMatchObject({ status: 400, json: { code: 3, message: expect.stringContaining('a: is ') } });
    },
  );

  it('leaves the extensions of a message of proto2', () => {
    const [field, label] = [{ type: 'TYPE_INT64', jsonName: 'n' }, 'LABEL_OPTIONAL'];
    const file = fromJson(FileDescriptorProtoSchema, {
      name: 'e.proto',
      package: 'e',
      syntax: 'proto2',
      messageType: [
        { name: 'M', field: [{ ...field, label, name: 'n', number: 1 }], extensionRange: [{ start: 9, end: 10 }] },
      ],
      extension: [{ ...field, label, name: 'x', number: 9, extendee: '.e.M' }],
    });
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
    const desc = registry.getMessage('e.M');
    if (desc === undefined) throw new Error('no e.M');
    const message = fromBinary(desc, Uint8Array.of(0x08, 1, 0x48, 2));
    expect(toJsonValue(desc, message, { types: registry, int64AsNumber: true })).toEqual({ n: 1, '[e.x]': '2' });
  });

  it('answers with OUT_OF_RANGE instead of a rounded number', async () => {
    const answer = await ask({ target: numbers, binding: PLAIN, body: '{}', reply: { b: '9007199254740993' } });
    expect(answer).toMatchObject({
      status: 400,
      json: { code: 11, message: expect.stringContaining('b is 9007199254740993') },
    });
  });
});
