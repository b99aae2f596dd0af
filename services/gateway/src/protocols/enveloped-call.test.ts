import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type CallContext, Metadata } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { deferred } from '../../../../packages/rpc/test/support/wait.js';
import { ENDPOINT, echoBackend, frame, gateway, open2, receive2, send2 } from '../../test/support/calling.js';
import { closeAll, logged } from '../../test/support/listening.js';
import { note, pathOf } from '../../test/support/note-service.js';
import type { Backend } from './backend.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

const GRPC = { 'content-type': 'application/grpc', te: 'trailers' };

describe('the end of a gRPC call', () => {
  it('passes the timeout on, less the time that the request took', async () => {
    const { backend, calls } = echoBackend();
    const { session } = await gateway({ backend });
    const headers = { ...GRPC, 'grpc-timeout': '1000S' };
    await send2(await session(), { path: pathOf('Put'), headers, chunks: [frame(note('a'))] });
    expect(calls[0]?.timeoutMs).toBeGreaterThan(0);
    expect(calls[0]?.timeoutMs).toBeLessThanOrEqual(1_000_000);
  });

  it('ends at its deadline while the client still sends its request', async () => {
    const { backend, calls } = echoBackend();
    const { session } = await gateway({ backend });
    const stream = open2(await session(), { path: pathOf('Put'), headers: { ...GRPC, 'grpc-timeout': '50m' } });
    const { trailers } = await receive2(stream);
    expect(trailers['grpc-status']).toBe('4');
    expect(calls).toHaveLength(0);
  });

  it.each([
    ['rests inside a message', { bodyGraceMs: 50, stallMs: 50, tickMs: 10 }, '4'],
    ['sends more of a message than all requests may keep', { unfinishedBytes: 10_000 }, '14'],
  ])('fails if the client %s', async (_title, limits, code) => {
    const { backend } = echoBackend();
    const { session } = await gateway({ backend, limits });
    const stream = open2(await session(), { path: pathOf('Chat'), headers: GRPC });
    const answer = receive2(stream);
    stream.write(frame(note('a')));
    await once(stream, 'response');
    // Between messages it may rest.
    await new Promise((resolve) => setTimeout(resolve, 100));
    stream.write(frame(Buffer.alloc(50_000)).subarray(0, 40_000));
    expect((await answer).trailers['grpc-status']).toBe(code);
  });

  it('cancels the call of a client that leaves', async () => {
    const called = deferred<Parameters<Backend>[0]>();
    const { session } = await gateway({
      backend: (one) => {
        called.resolve(one);
        return new Promise(() => undefined);
      },
    });
    const stream = open2(await session(), { path: pathOf('Chat'), headers: GRPC });
    const { context } = await called.promise;
    stream.close(8);
    await new Promise<void>((resolve) => context.onEnd(resolve));
    expect(context.reason?.code).toBe(Status.CANCELLED);
  });

  it('never takes a cancelled upload for a whole one', async () => {
    const outcome = deferred<unknown>();
    const { session } = await gateway({
      backend: async ({ request }) => {
        try {
          if (typeof request === 'object' && request.stream) for await (const _one of request.messages);
          outcome.resolve('whole');
        } catch (fault) {
          outcome.resolve(fault);
        }
        throw new RpcError(Status.CANCELLED, 'cancelled');
      },
    });
    const stream = open2(await session(), { path: pathOf('Collect'), headers: GRPC });
    await new Promise((resolve) => stream.write(frame(note('a')), resolve));
    stream.end();
    setImmediate(() => stream.close(8));
    expect(await outcome.promise).toMatchObject({ code: Status.CANCELLED });
  });

  it('answers a client that still uploads, and forgets the rest', async () => {
    const returned = deferred<void>();
    const { session } = await gateway({
      backend: async ({ request }) => {
        if (typeof request === 'function' || !request.stream) throw new Error('no stream');
        const messages = request.messages[Symbol.asyncIterator]();
        await messages.next();
        void Promise.resolve(messages.return?.()).then(() => returned.resolve());
        throw new RpcError(Status.FAILED_PRECONDITION, 'enough');
      },
    });
    const stream = open2(await session(), { path: pathOf('Collect'), headers: GRPC });
    const answer = receive2(stream);
    stream.write(frame(note('a')));
    expect((await answer).trailers).toMatchObject({ 'grpc-status': '9' });
    await returned.promise;
  });

  it('reads the requests of a stream no faster than the service does', async () => {
    const { session } = await gateway({
      maxMessageBytes: 100_000,
      backend: () => new Promise(() => undefined),
    });
    const stream = open2(await session(), { path: pathOf('Collect'), headers: GRPC });
    const large = frame(Buffer.alloc(100_000));
    let written = 0;
    for (let at = 0; at < 50; at += 1) stream.write(large, () => (written += 1));
    await new Promise((resolve) => stream.session?.ping(() => stream.session?.ping(resolve)));
    expect(written).toBeLessThan(10);
    stream.close();
  });

  it('carries each message as it comes, both ways', async () => {
    const { session } = await gateway({ backend: echoBackend().backend });
    const stream = open2(await session(), { path: pathOf('Chat'), headers: GRPC });
    for (const text of ['a', 'b', 'c']) {
      stream.write(frame(note(text)));
      expect(await once(stream, 'data')).toEqual([frame(note(text))]);
    }
    stream.close();
  });

  it('takes an upload that is larger than what the connection holds', async () => {
    let seen = 0;
    const { session } = await gateway({
      backend: async ({ request }) => {
        if (typeof request === 'function' || !request.stream) throw new Error('no stream');
        for await (const _one of request.messages) seen += 1;
        throw new RpcError(Status.FAILED_PRECONDITION, 'enough');
      },
    });
    const chunks = Array(100).fill(frame(Buffer.alloc(100_000)));
    await send2(await session(), { path: pathOf('Collect'), headers: GRPC, chunks });
    expect(seen).toBe(100);
  });

  it.each([
    ['an instance, before its first message', ENDPOINT],
    ['a handler of this process, which may change it until its first message', undefined],
  ])('sends the header of %s', async (_of, from) => {
    const header = new Metadata({ 'x-h': 'h' });
    async function* messages(context: CallContext): AsyncGenerator<Uint8Array> {
      if (from === undefined) {
        header.set('x-h', 'changed');
        yield note('a');
      }
      await new Promise<void>((resolve) => context.onEnd(resolve));
    }
    const { session } = await gateway({
      backend: async ({ context }) => ({
        header,
        trailer: new Metadata(),
        from,
        response: { stream: true, messages: messages(context) },
      }),
    });
    const stream = open2(await session(), { path: pathOf('List'), headers: GRPC });
    stream.end(frame(note('a')));
    const [headers] = await once(stream, 'response');
    expect(headers).toMatchObject({ 'x-h': from === undefined ? 'changed' : 'h' });
    expect(headers['grpc-status']).toBeUndefined();
    stream.close(8);
  });

  it('writes replies no faster than the client reads them', async () => {
    let made = 0;
    async function* replies() {
      for (; made < 1_000; made += 1) yield Buffer.alloc(10_000);
    }
    const { session } = await gateway({
      backend: async () => ({
        header: new Metadata(),
        trailer: new Metadata(),
        from: undefined,
        response: { stream: true, messages: replies() },
      }),
    });
    const connection = await session();
    const stream = open2(connection, { path: pathOf('List'), headers: GRPC });
    stream.end(frame(note('a')));
    await new Promise((resolve) => stream.once('response', resolve));
    for (let at = 0; at < 3; at += 1) await new Promise((resolve) => connection.ping(resolve));
    expect(made).toBeLessThan(200);
    stream.close();
  });
});
