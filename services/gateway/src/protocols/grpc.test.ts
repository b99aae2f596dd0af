import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { Status as RichStatus } from '@rondo/contracts/google/rpc/status';
import { Metadata, silentLogger } from '@rondo/rpc/call';
import { packDetail, RpcError, Status } from '@rondo/rpc/status';
import { echoBackend, frame, frames, gateway, type Sent, send2 } from '../../test/support/calling.js';
import { closeAll, logged } from '../../test/support/listening.js';
import { type NoteMethod, note, pathOf } from '../../test/support/note-service.js';
import type { Backend } from './backend.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

const GRPC = { 'content-type': 'application/grpc', te: 'trailers' };

/** One call by gRPC. */
async function call(backend: Backend, sent: Sent, maxMessageBytes = 1_000) {
  const { session } = await gateway({ backend, maxMessageBytes });
  return send2(await session(), { ...sent, headers: { ...GRPC, ...sent.headers } });
}

const failing =
  (error: unknown): Backend =>
  () =>
    Promise.reject(error);

describe('gRPC', () => {
  it.each([
    ['Put', ['a'], ['a']],
    ['List', ['a'], ['a']],
    ['Collect', ['a', 'b', 'c'], ['abc']],
    ['Chat', ['a', 'b', 'c'], ['a', 'b', 'c']],
    ['Chat', [], []],
  ] as const)('carries a call of %s with %j', async (method, requests, replies) => {
    const { backend, calls } = echoBackend();
    const chunks = requests.map((text) => frame(Buffer.from(text)));
    const { status, headers, body, trailers } = await call(backend, { path: pathOf(method), chunks });
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/grpc');
    expect(frames(body).map(({ data }) => String(data))).toEqual(replies);
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    expect(trailers['grpc-message']).toBeUndefined();
    expect(calls).toHaveLength(1);
    expect(calls[0]?.timeoutMs).toBeUndefined();
  });

  it('passes a message on as the bytes that arrived', async () => {
    const { backend } = echoBackend();
    const unreadable = Buffer.from([0xff, 0xff, 0xff]);
    const { body } = await call(backend, { path: pathOf('Put'), chunks: [frame(unreadable)] });
    expect(body).toEqual(frame(unreadable));
  });

  it('carries metadata both ways, and keeps that of the connection and of Rondo back', async () => {
    const header = new Metadata([
      ['x-header', 'h1'],
      ['x-header', 'h2'],
      ['x-bytes-bin', Buffer.from([1, 2, 3, 4])],
      ['rondo-version', '7'],
    ]);
    const trailer = new Metadata([
      ['x-trailer', 't'],
      ['constructor', 'c'],
      ['rondo-served-by', 'instance-7'],
      ['endpoint-load-metrics-bin', Buffer.from([1])],
    ]);
    const { backend, calls } = echoBackend({ header, trailer });
    const sent = {
      'x-asked': ['a', 'b'],
      'x-asked-bin': 'AQI=,AwQ',
      'accepted-terms': '7',
      'accept-language': 'de',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      cookie: 'secret=1',
      'user-agent': 'test',
      'rondo-version': '7',
      'grpc-timeout': '1000S',
      origin: 'http://somewhere',
      'sec-fetch-mode': 'cors',
      'x-forwarded-for': '1.2.3.4',
      'x-tab': 'a\tb',
      'x-latin': 'é',
    };
    const { headers, trailers } = await call(backend, {
      path: pathOf('Put'),
      headers: sent,
      chunks: [frame(note('a'))],
    });
    expect(Object.fromEntries([...(calls[0]?.metadata ?? [])].map(([key, value]) => [key, String(value)]))).toEqual({
      'x-asked': 'a, b',
      'x-asked-bin': String(Buffer.from([3, 4])),
      'accepted-terms': '7',
      traceparent: sent.traceparent,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': expect.stringContaining('127.0.0.1:'),
    });
    expect(calls[0]?.metadata.getAll('x-asked-bin')).toEqual([Buffer.from([1, 2]), Buffer.from([3, 4])]);
    expect(headers).toMatchObject({ 'x-header': 'h1, h2', 'x-bytes-bin': 'AQIDBA' });
    expect(headers['rondo-version']).toBeUndefined();
    expect(trailers).toMatchObject({ 'x-trailer': 't', constructor: 'c' });
    expect(trailers['rondo-served-by']).toBeUndefined();
    expect(trailers['endpoint-load-metrics-bin']).toBeUndefined();
  });

  it('tells a client that asks the instance that answered, if it may', async () => {
    const { backend } = echoBackend({ trailer: new Metadata({ 'rondo-served-by': 'a-1' }) });
    const { session } = await gateway({ backend, servedBy: true });
    const sent = { path: pathOf('Put'), headers: GRPC, chunks: [frame(note('a'))] };
    const { trailers } = await send2(await session(), sent);
    expect(trailers['rondo-served-by']).toBe('a-1');
  });

  it('answers an error in one block, with its text encoded, its details and its metadata', async () => {
    const details = [packDetail(BadRequest, { fieldViolations: [{ field: 'text', description: 'is empty' }] })];
    const metadata = new Metadata({ 'x-why': 'because' });
    const backend = failing(new RpcError(Status.NOT_FOUND, 'naïve 100%\n☃', { details, metadata }));
    const answer = await call(backend, { path: pathOf('Put'), chunks: [frame(note('a'))] });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/grpc',
      'grpc-status': '5',
      'grpc-message': 'na%C3%AFve 100%25%0A%E2%98%83',
      'x-why': 'because',
    });
    const packed = String(answer.headers['grpc-status-details-bin']);
    expect(packed).not.toContain('=');
    expect(RichStatus.decode(Buffer.from(packed, 'base64'))).toMatchObject({ code: 5, details });
  });

  it('cuts a long list of violations, says in it how many more there are, and logs it', async () => {
    const fieldViolations = Array.from({ length: 1_000 }, (_, index) => ({
      field: `a[${index}]`,
      description: 'is empty',
    }));
    const details = [packDetail(BadRequest, { fieldViolations })];
    const backend = failing(new RpcError(Status.INVALID_ARGUMENT, 'x'.repeat(3_000), { details }));
    const lines: unknown[] = [];
    const log = { ...silentLogger, warn: (...line: unknown[]) => void lines.push(line) };
    const { session } = await gateway({ backend, log });
    const answer = await send2(await session(), { path: pathOf('Put'), headers: GRPC, chunks: [frame(note('a'))] });
    const { details: sent } = RichStatus.decode(
      Buffer.from(String(answer.headers['grpc-status-details-bin']), 'base64'),
    );
    const { fieldViolations: some } = BadRequest.decode(sent[0]?.value ?? Buffer.of());
    expect(some.length).toBeGreaterThan(100);
    expect(some.at(-1)?.description).toBe(`is empty; and ${1_000 - some.length} more`);
    expect(lines).toEqual([[{ code: 'INVALID_ARGUMENT' }, 'details too large: what is beyond 6 KiB was cut']]);
  });

  it('keeps header and trailing metadata of an error apart', async () => {
    const header = new Metadata({ 'x-header': 'h' });
    const backend = failing(
      new RpcError(Status.ABORTED, 'no', { header, metadata: new Metadata({ 'x-trailer': 't' }) }),
    );
    const answer = await call(backend, { path: pathOf('Put'), chunks: [frame(note('a'))] });
    expect(answer.headers).toMatchObject({ 'x-header': 'h' });
    expect(answer.headers['grpc-status']).toBeUndefined();
    expect(answer.trailers).toMatchObject({ 'grpc-status': '10', 'x-trailer': 't' });
  });

  it('says when a client may retry, as the service does', async () => {
    const backend = failing(new RpcError(Status.UNAVAILABLE, 'no', { retryPushbackMs: -1 }));
    const { trailers } = await call(backend, { path: pathOf('Put'), chunks: [frame(note('a'))] });
    expect(trailers['grpc-retry-pushback-ms']).toBe('-1');
  });

  it('cuts a text that would not fit into a header block', async () => {
    const backend = failing(new RpcError(Status.NOT_FOUND, '東'.repeat(10_000)));
    const { trailers } = await call(backend, { path: pathOf('Put'), chunks: [frame(note('a'))] });
    expect(decodeURIComponent(String(trailers['grpc-message']))).toBe(`${'東'.repeat(682)}…`);
  });

  it('answers a failure after the first messages of a stream in the trailers', async () => {
    async function* replies() {
      yield note('a');
      throw new RpcError(Status.DATA_LOSS, 'lost');
    }
    const backend: Backend = async () => ({
      header: new Metadata(),
      trailer: new Metadata(),
      from: undefined,
      response: { stream: true, messages: replies() },
    });
    const answer = await call(backend, { path: pathOf('List'), chunks: [frame(note('a'))] });
    expect(frames(answer.body)).toHaveLength(1);
    expect(answer.trailers).toMatchObject({ 'grpc-status': '15', 'grpc-message': 'lost' });
  });

  it('shows nothing of an unknown fault', async () => {
    const answer = await call(failing(new TypeError('secret at 10.0.0.1')), {
      path: pathOf('Put'),
      chunks: [frame(note('a'))],
    });
    expect(answer.trailers).toMatchObject({ 'grpc-status': '13', 'grpc-message': 'internal error' });
  });
});

const a = frame(note('a'));
const half = a.subarray(0, 6);
const large = frame(Buffer.alloc(1_001));
const gzipped = frame(gzipSync(note('a')), 1);
const bomb = frame(gzipSync(Buffer.alloc(100_000)), 1);
const encoded = (name: string) => ({ 'grpc-encoding': name });
const within = (timeout: string) => ({ 'grpc-timeout': timeout });

const BROKEN: readonly (readonly [string, NoteMethod, Record<string, string>, readonly Buffer[], Status, string])[] = [
  ['has no message', 'Put', {}, [], Status.UNIMPLEMENTED, 'has no message'],
  ['has no message for a stream', 'List', {}, [], Status.UNIMPLEMENTED, 'has no message'],
  ['has two messages', 'Put', {}, [a, a], Status.UNIMPLEMENTED, 'second message'],
  ['has two messages for a stream', 'List', {}, [a, a], Status.UNIMPLEMENTED, 'second message'],
  ['ends inside a message', 'Put', {}, [half], Status.INTERNAL, 'inside a message'],
  ['ends inside a message of a stream', 'Collect', {}, [a, half], Status.INTERNAL, 'inside'],
  ['ends inside a prefix of a stream', 'Collect', {}, [Buffer.from([0, 0, 0])], Status.INTERNAL, 'inside'],
  ['is too large', 'Put', {}, [large], Status.RESOURCE_EXHAUSTED, '1000 bytes'],
  ['is too large in a stream', 'Collect', {}, [large], Status.RESOURCE_EXHAUSTED, '1000 bytes'],
  ['inflates to too much', 'Put', encoded('gzip'), [bomb], Status.RESOURCE_EXHAUSTED, '1000 bytes'],
  ['inflates to too much in a stream', 'Chat', encoded('gzip'), [bomb], Status.RESOURCE_EXHAUSTED, '1000'],
  ['is compressed and does not say how', 'Put', {}, [gzipped], Status.INTERNAL, 'name no encoding'],
  ['is compressed and says it is not', 'Put', encoded('identity'), [gzipped], Status.INTERNAL, 'name no'],
  ['has an unknown encoding', 'Put', encoded('foo'), [a], Status.UNIMPLEMENTED, 'gzip,identity'],
  ['is no gzip', 'Put', encoded('gzip'), [frame(note('a'), 1)], Status.INVALID_ARGUMENT, 'gzip'],
  ['has an unknown flag', 'Put', {}, [frame(note('a'), 4)], Status.INTERNAL, 'the byte 4'],
  ['has a malformed timeout', 'Put', within('1.5S'), [a], Status.INVALID_ARGUMENT, 'Grpc-Timeout'],
  ['has a long timeout', 'Put', within('123456789S'), [a], Status.INVALID_ARGUMENT, '8 digits'],
  ['has no time left', 'Put', within('0m'), [a], Status.DEADLINE_EXCEEDED, 'deadline|0 ms'],
  ['has bytes that are no base64', 'Put', { 'x-bin': '?' }, [a], Status.INVALID_ARGUMENT, 'base64'],
];

describe('a gRPC request that breaks the rules', () => {
  it.each(BROKEN)('%s', async (...[, method, headers, chunks, code, text]) => {
    const { backend } = echoBackend();
    const { trailers } = await call(backend, { path: pathOf(method), headers, chunks });
    expect(trailers['grpc-status']).toBe(String(code));
    expect(decodeURIComponent(String(trailers['grpc-message']))).toMatch(new RegExp(text));
  });

  it.each([
    ['entries', Object.fromEntries(Array.from({ length: 101 }, (_none, at) => [`x-${at}`, '']))],
    ['bytes', { 'x-large': 'x'.repeat(16_300), 'x-larger': 'x'.repeat(60) }],
  ])('has too many %s of metadata', async (_title, headers) => {
    const { backend, calls } = echoBackend();
    const { session } = await gateway({ backend, limits: { headerBytes: 64 * 1024 } });
    const { trailers } = await send2(await session(), {
      path: pathOf('Put'),
      headers: { ...GRPC, ...headers },
      chunks: [frame(note('a'))],
    });
    expect(trailers).toMatchObject({ 'grpc-status': '3', 'grpc-message': expect.stringContaining('16384 bytes') });
    expect(calls).toHaveLength(0);
  });
});

describe('compression by gRPC', () => {
  it('inflates requests', async () => {
    const { backend } = echoBackend();
    const headers = { 'grpc-encoding': 'gzip' };
    const { body } = await call(backend, { path: pathOf('Chat'), headers, chunks: [gzipped, frame(note('b'))] });
    expect(frames(body).map(({ data }) => data)).toEqual([note('a'), note('b')]);
  });

  it.each(['Put', 'Chat'] as const)(
    'compresses the large replies of %s if the client compresses too',
    async (method) => {
      const { backend } = echoBackend();
      const headers = { 'grpc-encoding': 'gzip', 'grpc-accept-encoding': 'br, gzip' };
      const large = Buffer.alloc(5_000, 'x');
      const answer = await call(backend, { path: pathOf(method), headers, chunks: [frame(large)] }, 10_000);
      expect(answer.headers['grpc-encoding']).toBe('gzip');
      const [only] = frames(answer.body);
      expect(only?.flags).toBe(1);
      expect(gunzipSync(only?.data ?? '')).toEqual(large);
    },
  );

  it('leaves the replies of a client as they are that only accepts gzip', async () => {
    const { backend } = echoBackend();
    const headers = { 'grpc-accept-encoding': 'gzip' };
    const large = frame(Buffer.alloc(5_000, 'x'));
    const answer = await call(backend, { path: pathOf('Put'), headers, chunks: [large] }, 10_000);
    expect(answer.headers['grpc-encoding']).toBeUndefined();
    expect(answer.body).toEqual(large);
  });

  it('leaves small replies as they are', async () => {
    const { backend } = echoBackend();
    const headers = { 'grpc-encoding': 'gzip', 'grpc-accept-encoding': 'gzip' };
    const answer = await call(backend, { path: pathOf('Put'), headers, chunks: [frame(note('a'))] });
    expect(answer.body).toEqual(frame(note('a')));
  });
});
