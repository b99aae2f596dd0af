import { afterEach, describe, expect, it } from '@jest/globals';
import { Metadata } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { echoBackend, frame, frames, gateway, type Sent, send1, send2 } from '../../test/support/calling.js';
import { closeAll, logged } from '../../test/support/listening.js';
import { type NoteMethod, note, pathOf } from '../../test/support/note-service.js';
import type { Backend } from './backend.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

/** One call over a version of HTTP. */
async function call(backend: Backend, { version, ...sent }: Sent & { readonly version: string }) {
  const { port, session } = await gateway({ backend, maxMessageBytes: 1_000 });
  return version === '2' ? send2(await session(), sent) : send1(port, sent);
}

/** The messages of a body, and the trailers in its last envelope. */
function parse(body: Buffer) {
  const all = frames(body);
  const last = all.pop();
  expect(last?.flags).toBe(0x80);
  return { messages: all.map(({ data }) => String(data)), trailers: String(last?.data).split('\r\n').slice(0, -1) };
}

/** Decodes base64 that has padding between its parts. */
function decodeParts(text: string): Buffer {
  return Buffer.concat((text.match(/[^=]+=*/g) ?? []).map((part) => Buffer.from(part, 'base64')));
}

const versions = ['1.1', '2'] as const;
const calls = [
  ['Put', ['a'], ['a']],
  ['List', ['a'], ['a']],
  ['Collect', ['a', 'b', 'c'], ['abc']],
  ['Chat', ['a', 'b', 'c'], ['a', 'b', 'c']],
] as const;

const REFUSED: readonly (readonly [string, NoteMethod, readonly Buffer[], string])[] = [
  ['no message', 'Put', [], '12'],
  ['half a message', 'Collect', [frame(note('a')).subarray(0, 6)], '13'],
  ['too large a message', 'Chat', [frame(Buffer.alloc(2_000))], '8'],
];

describe.each(versions)('gRPC-Web over HTTP/%s', (version) => {
  it.each(calls)('carries a call of %s with %j', async (method, requests, replies) => {
    const { backend } = echoBackend({ header: new Metadata({ 'x-h': 'h' }), trailer: new Metadata({ 'x-t': 't' }) });
    const answer = await call(backend, {
      version,
      path: pathOf(method),
      headers: { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1' },
      chunks: requests.map((text) => frame(Buffer.from(text))),
    });
    expect(answer.headers).toMatchObject({ 'content-type': 'application/grpc-web+proto', 'x-h': 'h' });
    expect(parse(answer.body)).toEqual({ messages: replies, trailers: ['x-t: t', 'grpc-status: 0'] });
  });

  it.each(calls)('carries a call of %s with %j as text', async (method, requests, replies) => {
    const { backend } = echoBackend();
    const base64 = requests.map((text) => frame(Buffer.from(text)).toString('base64')).join('');
    const answer = await call(backend, {
      version,
      path: pathOf(method),
      headers: { 'content-type': 'application/grpc-web-text' },
      chunks: [...base64].map((character) => Buffer.from(character)),
    });
    expect(answer.headers['content-type']).toBe('application/grpc-web-text');
    expect(parse(decodeParts(String(answer.body)))).toEqual({ messages: replies, trailers: ['grpc-status: 0'] });
  });

  it('answers an error in the body', async () => {
    const backend: Backend = () => Promise.reject(new RpcError(Status.NOT_FOUND, 'no\r\nx: é'));
    const answer = await call(backend, {
      version,
      path: pathOf('Put'),
      headers: { 'content-type': 'application/grpc-web' },
      chunks: [frame(note('a'))],
    });
    expect(answer.status).toBe(200);
    expect(parse(answer.body).trailers).toEqual(['grpc-status: 5', 'grpc-message: no%0D%0Ax: %C3%A9']);
  });

  it.each(REFUSED)('refuses %s', async (...[, method, chunks, code]) => {
    const { backend } = echoBackend();
    const headers = { 'content-type': 'application/grpc-web' };
    const answer = await call(backend, { version, path: pathOf(method), headers, chunks });
    expect(parse(answer.body).trailers[0]).toBe(`grpc-status: ${code}`);
  });

  it.each(['Put', 'Collect'] as const)('refuses base64 that ends inside a group: %s', async (method) => {
    const { backend } = echoBackend();
    const headers = { 'content-type': 'application/grpc-web-text' };
    // A whole message, and a character.
    const chunks = [Buffer.from(`${frame(note('a')).toString('base64')}A`)];
    const answer = await call(backend, { version, path: pathOf(method), headers, chunks });
    expect(parse(decodeParts(String(answer.body))).trailers[0]).toBe('grpc-status: 13');
  });
});
