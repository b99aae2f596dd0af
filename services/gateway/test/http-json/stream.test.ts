import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { Metadata } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { createHttpJson } from '../../src/http-json/http-json.js';
import type { BackendCall } from '../../src/protocols/backend.js';
import { binding, target } from './contract.js';
import { type FakeRequest, fakeExchange } from './exchange.js';

interface Setting extends FakeRequest {
  readonly name: string;
  readonly route: string;
  /** The replies to requests in JSON. */
  readonly replies: (requests: AsyncIterable<JsonValue>, call: BackendCall) => AsyncIterable<JsonValue>;
}

/** Makes a request whose backend is `replies`. */
function ask(setting: Setting) {
  const method = target(setting.name);
  const { input, output, methodKind } = method.desc;
  const fake = fakeExchange({ method: setting.route.split(' ')[0] ?? '', ...setting });
  const serve = createHttpJson({
    maxMessageBytes: 100,
    async backend(call) {
      const payload = typeof call.request === 'function' ? call.request({} as never) : call.request;
      if (payload === undefined) throw new Error('the instance takes the call');
      const requests = payload.stream ? payload.messages : [payload.message];
      const decoded = (async function* () {
        for await (const bytes of requests) yield toJson(input, fromBinary(input, bytes));
      })();
      const messages = (async function* () {
        try {
          for await (const json of setting.replies(decoded, call)) yield toBinary(output, fromJson(output, json));
        } catch (error) {
          throw call.context.reason ?? error; // as a channel does
        }
      })();
      const reply = { header: new Metadata(), trailer: new Metadata(), from: undefined };
      if (methodKind !== 'client_streaming') return { ...reply, response: { stream: true, messages } };
      const { value } = await messages.next();
      return { ...reply, response: { stream: false, message: value ?? new Uint8Array() } };
    },
  });
  const body = setting.route.startsWith('GET') ? '' : '*';
  serve(fake.exchange, { target: method, binding: binding(setting.route, body), variables: new Map() });
  return fake;
}

const WATCH = { name: 'Watch', route: 'GET /v1/watch' };
const SUM = { name: 'Sum', route: 'POST /v1/sum' };
const texts = (...all: readonly (readonly [string, string])[]) =>
  async function* () {
    for (const [text, resumeToken] of all) yield { text, resumeToken };
  };

async function* total(requests: AsyncIterable<JsonValue>) {
  let a = 0;
  for await (const request of requests) a += numberOf(request);
  yield { a: String(a) };
}

const numberOf = (json: JsonValue) => (typeof json === 'object' && json !== null && 'a' in json ? Number(json.a) : 0);

async function* bytes(...parts: readonly string[]) {
  for (const part of parts) yield Buffer.from(part);
}

describe('a stream of replies', () => {
  it('is a line a message', async () => {
    const answer = await ask({ ...WATCH, replies: texts(['a', ''], ['b', 't']) }).answer();
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/x-ndjson' } });
    expect(answer.text).toBe('{"text":"a","resumeToken":""}\n{"text":"b","resumeToken":"t"}\n');
  });

  it('is events with the resume token as their id, for a client that accepts them', async () => {
    const headers = { accept: 'text/event-stream' };
    const answer = await ask({ ...WATCH, headers, replies: texts(['a', ''], ['b', 't']) }).answer();
    expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream' });
    expect(answer.text).toBe(
      'retry: 1000\n\ndata: {"text":"a","resumeToken":""}\n\nid: t\ndata: {"text":"b","resumeToken":"t"}\n\n',
    );
  });

  it('resumes from Last-Event-ID', async () => {
    const headers = { accept: 'text/event-stream', 'last-event-id': Buffer.from('tü7').toString('latin1') };
    const answer = await ask({
      ...WATCH,
      headers,
      query: 'name=x',
      async *replies(requests) {
        for await (const request of requests) yield { text: JSON.stringify(request) };
      },
    }).answer();
    expect(answer.text).toContain(JSON.stringify(JSON.stringify({ name: 'x', resumeToken: 'tü7' })));
  });

  it('has its own HTTP status if it fails before the first message', async () => {
    const replies = () => failing();
    expect(await ask({ ...WATCH, replies }).answer()).toMatchObject({ status: 404 });
  });

  it.each([
    [undefined, '{"error":{"code":5,"message":"gone","details":[]}}\n'],
    ['text/event-stream', 'event: error\ndata: {"code":5,"message":"gone","details":[]}\n\n'],
  ])('ends with the status if it fails later (%s)', async (accept, end) => {
    const answer = await ask({ ...WATCH, headers: { accept }, replies: () => failing('a') }).answer();
    expect(answer.status).toBe(200);
    expect(answer.text.endsWith(end)).toBe(true);
  });
});

async function* failing(...first: readonly string[]): AsyncGenerator<JsonValue> {
  for (const text of first) yield { text };
  throw new RpcError(Status.NOT_FOUND, 'gone');
}

describe('a stream of requests', () => {
  it('is a message a line, however the body is cut', async () => {
    const body = bytes('{"a": 1', '}\n\n{"a"', ':"2"}\r\n{"a":3}');
    expect(await ask({ ...SUM, body, replies: total }).answer()).toMatchObject({
      status: 200,
      text: expect.stringContaining('"a":"6"'),
    });
  });

  it.each([
    ['{"a":1}\n{"x":1}\n', 400, 'line 2: x: is not a field'],
    ['{"a":1}\nnope\n', 400, 'line 2: the body: is not JSON'],
    [`{"a":1}\n{"a":${' '.repeat(200)}1}\n`, 413, 'a line of the body exceeds 100 bytes: send less in one'],
    [' '.repeat(200), 413, 'a line of the body exceeds 100 bytes: send less in one'],
  ])('fails by the line: %#', async (body, status, text) => {
    const answer = await ask({ ...SUM, body: bytes(...(body.match(/[\s\S]{1,60}/g) ?? [])), replies: total }).answer();
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(text);
  });

  it('has no query', async () => {
    expect(await ask({ ...SUM, query: 'a=1', replies: total }).answer()).toMatchObject({ status: 400 });
  });
});
