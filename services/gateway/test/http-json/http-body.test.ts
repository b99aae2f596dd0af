import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { Metadata } from '@rondo/rpc/call';
import { createHttpJson } from '../../src/http-json/http-json.js';
import type { Backend } from '../../src/protocols/backend.js';
import { ask } from './ask.js';
import { binding, descOf, target } from './contract.js';
import { fakeExchange } from './exchange.js';

const SANDBOXED = expect.stringMatching(/(?:^|; )sandbox$/);
/** What a service may not tell a browser. */
const HOSTILE = [
  ...['content-security-policy', 'x-content-type-options', 'set-cookie', 'clear-site-data', 'refresh'],
  ...['use-as-dictionary', 'no-vary-search', 'sec-session-registration', 'x-request-id'],
  ...['x-accel-redirect', 'x-sendfile', 'surrogate-control'],
  ...[
    'location',
    'service-worker-allowed',
    'www-authenticate',
    'strict-transport-security',
    'access-control-allow-origin',
  ],
];
const bytes = Buffer.from([0, 255, 13, 10]);
const httpBody = (contentType: string, data: Uint8Array) =>
  toBinary(descOf('Download').output, Object.assign(create(descOf('Download').output), { contentType, data }));

describe('google.api.HttpBody', () => {
  it('is the body of a request as it is, with its content type', async () => {
    const upload = {
      target: target('Upload'),
      binding: binding('PUT /v1/{name}', 'content'),
      variables: { name: 'f' },
    };
    const headers = { 'content-type': 'image/png; x=y' };
    expect(await ask({ ...upload, body: bytes, headers })).toMatchObject({
      status: 200,
      seen: { name: 'f', content: { contentType: 'image/png; x=y', data: bytes.toString('base64') } },
    });
  });

  it('is the body of a reply as it is', async () => {
    const download = { target: target('Download'), binding: binding('GET /v1/{name}'), variables: { name: 'f' } };
    expect(await ask({ ...download, replyBytes: httpBody('text/csv', Buffer.from('a,b')) })).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/csv', 'content-length': 3, 'content-security-policy': SANDBOXED },
      text: 'a,b',
    });
    expect(await ask({ ...download, replyBytes: new Uint8Array() })).toMatchObject({
      headers: { 'content-type': 'application/octet-stream' },
      text: '',
    });
  });

  it.each(['text/html\r\nset-cookie: a=b', 'text/plain\n', ' ', 'text/ä', 'text/\u0000'])(
    'is of an unknown type if its service gives it one that HTTP has no way to send: %j',
    async (type) => {
      const download = { target: target('Download'), binding: binding('GET /v1/{name}'), variables: { name: 'f' } };
      expect(await ask({ ...download, replyBytes: httpBody(type, Buffer.from('a')) })).toMatchObject({
        status: 200,
        headers: { 'content-type': 'application/octet-stream' },
      });
    },
  );

  it('can be a field of the reply', async () => {
    const upload = { target: target('Upload'), binding: binding('PUT /v1/{name}', 'content', 'content') };
    expect(await ask({ ...upload, body: 'abc', headers: { 'content-type': 'text/plain' } })).toMatchObject({
      headers: { 'content-type': 'text/plain', 'content-security-policy': SANDBOXED },
      text: 'abc',
    });
  });

  it('is streamed with the content type of the first message', async () => {
    const backend: Backend = async () => {
      async function* messages() {
        yield httpBody('text/csv', Buffer.from('a,b\n'));
        yield httpBody('', Buffer.from('1,2\n'));
      }
      const header = new Metadata(HOSTILE.map((key) => [key, '/']));
      header.set('x-rows', '2');
      return { header, trailer: new Metadata(), from: undefined, response: { stream: true, messages: messages() } };
    };
    const serve = createHttpJson({ backend });
    const { exchange, answer } = fakeExchange({ method: 'GET' });
    serve(exchange, { target: target('Export'), binding: binding('GET /v1/export'), variables: new Map() });
    const headers = { 'content-type': 'text/csv', 'content-security-policy': SANDBOXED, 'x-rows': '2' };
    expect(await answer()).toEqual({ status: 200, headers, text: 'a,b\n1,2\n', aborted: undefined });
    expect(exchange.answerHeaders).toEqual({ 'x-content-type-options': 'nosniff' });
  });

  it('is no service worker', async () => {
    const download = { target: target('Download'), binding: binding('GET /v1/{name}'), variables: { name: 'f' } };
    const script = { ...download, replyBytes: httpBody('text/javascript', Buffer.from('1')) };
    expect((await ask({ ...script, headers: { 'service-worker': 'script' } })).status).toBe(403);
    expect((await ask(script)).status).toBe(200);
  });
});

describe('versions of a contract', () => {
  const [plain, all] = [descOf('EchoPlain'), descOf('EchoAll')];
  const instance = (instanceId: string) => ({ instanceId }) as never;
  const versions = target('EchoPlain', {
    versions: [plain, all],
    descAt: (to) => (to?.instanceId === 'old' ? plain : to?.instanceId === 'new' ? all : undefined),
  });

  /** What each instance would get. */
  async function offered(body: string, picks: readonly string[]) {
    const got: unknown[] = [];
    let calls = 0;
    const backend: Backend = async ({ request }) => {
      calls += 1;
      if (typeof request !== 'function') throw new Error('the request depends on the instance');
      for (const pick of picks) {
        const payload = request(instance(pick));
        got.push(payload === undefined || payload.stream ? undefined : Buffer.from(payload.message).toString('hex'));
      }
      const response = { stream: false, message: new Uint8Array() } as const;
      return { header: new Metadata(), trailer: new Metadata(), response, from: instance('new') };
    };
    const serve = createHttpJson({ backend });
    const { exchange, answer } = fakeExchange({ body });
    serve(exchange, { target: versions, binding: binding('POST /v1/x', '*'), variables: new Map() });
    return { got, answer: await answer(), calls };
  }

  it('encode the request for the instance that was picked, and its reply too', async () => {
    const { got, answer } = await offered('{"name": "x"}', ['old', 'new', 'unknown']);
    expect(got).toEqual([undefined, '0a0178', undefined]);
    expect(JSON.parse(answer.text)).toMatchObject({ int64Value: '0', tags: [] });
  });

  it('refuse a request together, before any call', async () => {
    const { answer, calls } = await offered('{"nope": 1}', []);
    expect(calls).toBe(0);
    expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('test.v1.Plain') });
  });
});
