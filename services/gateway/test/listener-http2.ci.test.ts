/** What the public port grants a client of HTTP/2, and how it refuses the rest. */

import { once } from 'node:events';
import http2 from 'node:http2';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startTcpProxy } from '@rondo/rpc/internal/testing';
import { ManualClock } from '@rondo/rpc/testing';
import {
  BEGIN,
  END_STREAM,
  frame,
  headersFrame,
  requestTo,
  TYPE,
  uint32,
} from '../../../packages/rpc/test/attacks/frames.js';
import {
  HEADERS,
  openStreams,
  outcomeOf,
  outcomesOf,
  SETTINGS_ENTRIES,
} from '../../../packages/rpc/test/attacks/session-limits.js';
import { until } from '../../../packages/rpc/test/support/wait.js';
import { BodyError, type HttpExchange } from '../src/listener/exchange.js';
import { DEFAULT_LIMITS } from '../src/listener/limits.js';
import { echo } from './support/handlers.js';
import { ask2, cleanUp, closeAll, connect2, connectRaw, listening, logged, textOf } from './support/listening.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

const POST = { ':method': 'POST', ':path': '/' };
const urlOf = (port: number) => `http://127.0.0.1:${port}`;

/** A listener that shows the test its exchanges. */
async function holding(limits = {}) {
  const held: HttpExchange[] = [];
  return { held, ...(await listening({ handler: (exchange) => void held.push(exchange), limits })) };
}

/** Opens a stream whose errors are ignored. */
function open(session: http2.ClientHttp2Session) {
  return session.request(POST).on('error', () => undefined);
}

describe('a request of HTTP/2', () => {
  it('has no pseudo headers among its headers', async () => {
    const { held, port } = await holding();
    open(await connect2(urlOf(port))).end();
    await until(() => held.length === 1);
    expect(Object.keys(held[0]?.headers ?? {})).toEqual([]);
  });

  it('has a path of ASCII that begins with a slash, whatever its scheme, and up to 15 KiB of headers', async () => {
    const { port } = await listening({ handler: echo });
    const headers = { ':scheme': 'coap' };
    const session = await connect2(urlOf(port));
    expect(await ask2(session, { path: 'Xv1/notes', headers })).toMatchObject({ status: 400 });
    const unescaped = await ask2(session, { path: '/v1/notes?text=Ã©', headers });
    expect(unescaped).toMatchObject({ status: 400, body: expect.stringContaining('percent-encoded') });
    const long = (length: number) => ({ path: '/v1/notes', headers: { ...headers, baggage: 'x'.repeat(length) } });
    expect(await ask2(session, long(15_000))).toMatchObject({ status: 200 });
    await expect(ask2(session, long(20_000))).rejects.toThrow('NGHTTP2');
  });

  it('gets the end of an answer without trailers with its last part', async () => {
    const { port } = await listening({
      handler: (exchange) => {
        exchange.respond(200, {});
        exchange.end(Buffer.from('the end'));
      },
    });
    const socket = await connectRaw(port);
    socket.write(Buffer.concat([BEGIN, headersFrame(requestTo('/'))]));
    let received = '';
    socket.setEncoding('latin1').on('data', (bytes: string) => {
      received += bytes;
    });
    await until(() => received.includes('the end'));
    const last = frame(TYPE.DATA, { flags: END_STREAM, stream: 1, payload: Buffer.from('the end') });
    expect(received).toContain(last.toString('latin1'));
  });

  it('gets trailers after a stream, also while it still sends', async () => {
    const { port } = await listening({
      handler: (exchange) => {
        exchange.respond(200, {});
        void exchange.write(Buffer.from('a'));
        exchange.end(Buffer.from('b'), { 'grpc-status': '3' });
      },
      limits: { discardMs: 50, tickMs: 10 },
    });
    const stream = open(await connect2(urlOf(port)));
    const trailers = once(stream, 'trailers');
    const closed = once(stream, 'close');
    expect(await textOf(stream)).toBe('ab');
    expect((await trailers)[0]).toMatchObject({ 'grpc-status': '3' });
    await closed;
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_NO_ERROR);
  });

  it('is refused early if it is too large, though it goes on', async () => {
    const { port } = await listening({ handler: echo, limits: { discardMs: 50, tickMs: 10 } });
    const session = await connect2(urlOf(port));
    const stream = open(session);
    const closed = once(stream, 'close');
    let sent = 0;
    const send = () => {
      while (!stream.destroyed && stream.writable && stream.write(Buffer.alloc(64 * 1024))) sent += 64 * 1024;
    };
    stream.on('drain', send);
    send();
    const [headers] = await once(stream, 'response');
    const trailers = once(stream, 'trailers');
    expect(headers).toMatchObject({ ':status': 413 });
    expect(await textOf(stream)).toBe('RESOURCE_EXHAUSTED');
    expect((await trailers)[0]).toMatchObject({ 'grpc-status': '8' });
    await closed;
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_NO_ERROR);
    expect(sent).toBeLessThan(16 * 1024 * 1024);
    expect(await ask2(session)).toMatchObject({ status: 200 });
  });

  it('is refused if its body trickles in', async () => {
    const { port } = await listening({ handler: echo, limits: { bodyGraceMs: 50, tickMs: 10, discardMs: 50 } });
    const stream = open(await connect2(urlOf(port)));
    const trickle = setInterval(() => stream.writable && stream.write('x'), 20);
    cleanUp(() => clearInterval(trickle));
    expect((await once(stream, 'response'))[0]).toMatchObject({ ':status': 408 });
    clearInterval(trickle);
  });

  it('is refused if its client keeps too much of bodies, and the one that has waited the longest makes room first', async () => {
    const { port } = await listening({ handler: echo, limits: { unfinishedBytes: 120_000 } });
    const session = await connect2(urlOf(port));
    const many = Buffer.alloc(60_000);
    const stale = open(session);
    const refusal = once(stale, 'response');
    await new Promise((resolve) => stale.write(many, resolve));
    // The answer to a ping shows that the listener has read what was sent before.
    await new Promise((resolve) => session.ping(resolve));
    expect(await ask2(session, { method: 'POST', body: Buffer.alloc(70_000) })).toMatchObject({ status: 503 });
    expect((await refusal)[0]).toMatchObject({ ':status': 503 });
    expect(await ask2(session, { method: 'POST', body: 'short' })).toMatchObject({ status: 200 });
    expect(await ask2(session, { method: 'POST', body: many })).toMatchObject({ status: 200 });
  });

  it('is asked to go on', async () => {
    const { port } = await listening({ handler: echo });
    const session = await connect2(urlOf(port));
    const stream = session.request({ ...POST, expect: '100-continue' });
    await once(stream, 'continue');
    stream.end('hello');
    expect(JSON.parse(await textOf(stream))).toMatchObject({ body: 'hello' });
  });

  it('is no CONNECT', async () => {
    const { port } = await listening({ handler: echo });
    const session = await connect2(urlOf(port));
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'a:1' });
    expect((await once(stream, 'response'))[0]).toMatchObject({ ':status': 405 });
    stream.close();
  });

  it('that is cancelled is known as such, once the client has caught up', async () => {
    const outcomes: unknown[] = [];
    const { port } = await listening({
      handler: (exchange) => {
        exchange.onClose((left) => outcomes.push(['left', left]));
        const read = async () => {
          for await (const chunk of exchange.body.chunks()) outcomes.push(chunk.toString());
          await exchange.peerCaughtUp?.();
          outcomes.push('whole');
        };
        read().catch((error: unknown) => outcomes.push(error instanceof BodyError ? error.codeName : error));
      },
    });
    const session = await connect2(urlOf(port));
    const stream = open(session);
    stream.write('part');
    await until(() => outcomes.length === 1);
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await until(() => outcomes.length >= 3);
    expect(outcomes).toEqual(expect.arrayContaining(['part', ['left', true]]));
  });

  it.each(['cancel', 'internal', 'enhance_your_calm'] as const)('can be broken off: %s', async (reason) => {
    const { held, port } = await holding();
    const stream = open(await connect2(urlOf(port)));
    const closed = new Promise((resolve) => stream.once('close', resolve));
    await until(() => held.length === 1);
    const left = new Promise((resolve) => held[0]?.onClose(resolve));
    held[0]?.abort(reason);
    await closed;
    expect(stream.rstCode).toBe({ cancel: 8, internal: 2, enhance_your_calm: 11 }[reason]);
    expect(await left).toBe(false);
  });

  it('fails alone if its answer has headers that HTTP does not allow', async () => {
    const { port } = await listening({
      handler: (exchange) => {
        if (exchange.path === '/bad') exchange.respond(200, { bad: 'a\nb' });
        if (exchange.path === '/trailers') exchange.respond(200, {});
        if (exchange.path === '/good') echo(exchange);
        else exchange.end(Buffer.from('x'), { connection: 'close' });
      },
    });
    const session = await connect2(urlOf(port));
    for (const path of ['/bad', '/trailers']) {
      const stream = session.request({ ':path': path }).on('error', () => undefined);
      await new Promise((resolve) => stream.resume().once('close', resolve));
      expect(stream.rstCode).toBe(http2.constants.NGHTTP2_INTERNAL_ERROR);
    }
    expect(await ask2(session, { path: '/good' })).toMatchObject({ status: 200 });
    expect(logged.splice(0)).toHaveLength(2);
  });

  it('fails alone if its handler throws', async () => {
    const { port } = await listening({
      handler: (exchange) => {
        if (exchange.path === '/') throw new Error('broken');
        echo(exchange);
      },
    });
    const session = await connect2(urlOf(port));
    expect(await ask2(session)).toMatchObject({ status: 500, body: expect.not.stringContaining('broken') });
    expect(await ask2(session, { path: '/good' })).toMatchObject({ status: 200 });
    expect(logged.splice(0)).toHaveLength(1);
  });
});

describe('a connection has at most', () => {
  it.each([SETTINGS_ENTRIES, HEADERS, openStreams(DEFAULT_LIMITS.streams)])('$most $what', async (limit) => {
    expect(await outcomesOf({ port: (await holding()).port }, limit)).toEqual(['served', limit.refusal]);
  });

  it('1,000 streams that are reset at once', async () => {
    const { port } = await holding();
    const resets = (count: number) =>
      Array.from({ length: count }, (_, index) => {
        const stream = index * 2 + 1;
        const reset = frame(TYPE.RST_STREAM, { stream, payload: uint32(http2.constants.NGHTTP2_CANCEL) });
        return Buffer.concat([headersFrame(requestTo('/'), { stream }), reset]);
      });
    expect(await outcomeOf({ port }, resets(1_000))).toBe('served');
    // Some hundred more are allowed in the seconds that a busy machine may take for this.
    expect(await outcomeOf({ port }, resets(10_000), 2_000)).toBe('connection refused');
  });
});

describe('a client of HTTP/2 that', () => {
  it('sends no request is disconnected', async () => {
    const { port, listener } = await listening({ handler: echo, limits: { headersMs: 50, discardMs: 50, tickMs: 10 } });
    await connect2(urlOf(port));
    await until(() => listener.connections === 0);
  });

  it('never finishes its headers is disconnected', async () => {
    const { port, listener } = await listening({ handler: echo, limits: { headersMs: 50, discardMs: 50, tickMs: 10 } });
    const socket = await connectRaw(port);
    socket.resume().write(Buffer.concat([BEGIN, headersFrame(requestTo('/'), { flags: 0 })]));
    await until(() => listener.connections === 0);
  });

  it('is idle is disconnected, and not before', async () => {
    const clock = new ManualClock();
    // No answer to a ping arrives while the clock advances.
    const limits = { idleMs: 60_000, pingAfterMs: 600_000 };
    const { port, listener } = await listening({ handler: echo, clock, limits });
    const session = await connect2(urlOf(port));
    for (let count = 0; count < 3; count += 1) {
      await clock.advance(count === 0 ? 0 : 58_000);
      expect(await ask2(session)).toMatchObject({ status: 200 });
      await new Promise((resolve) => session.ping(resolve));
    }
    expect(listener.connections).toBe(1);
    await clock.advance(62_000);
    await until(() => listener.connections === 0);
  });

  it('was cut off silently is disconnected', async () => {
    const limits = { pingAfterMs: 40, pingAnswerMs: 40 };
    const { held, port, listener } = await holding(limits);
    const proxy = await startTcpProxy({ target: `127.0.0.1:${port}` });
    cleanUp(() => proxy.close());
    open(await connect2(`http://${proxy.address}`));
    await until(() => held.length === 1);
    const left = new Promise((resolve) => held[0]?.onClose(resolve));
    proxy.stall();
    expect(await left).toBe(true);
    await until(() => listener.connections === 0);
  });

  it('answers pings keeps its quiet stream', async () => {
    const { held, port, listener } = await holding({ pingAfterMs: 20, pingAnswerMs: 200 });
    const session = await connect2(urlOf(port));
    const stream = open(session);
    let pings = 0;
    session.on('ping', () => {
      pings += 1;
    });
    await until(() => held.length === 1 && pings >= 5);
    expect(listener.connections).toBe(1);
    expect(stream.closed).toBe(false);
  });

  it('reads nothing loses the stream, and only that', async () => {
    const { port } = await listening({
      limits: { stallMs: 100, tickMs: 10 },
      handler: (exchange) => {
        exchange.respond(200, {});
        exchange.end(exchange.path === '/' ? Buffer.alloc(8 * 1024 * 1024) : Buffer.from('x'));
      },
    });
    const session = await connect2(urlOf(port));
    const stream = open(session);
    await once(stream, 'response');
    const closed = new Promise((resolve) => stream.once('close', resolve));
    expect(await ask2(session, { path: '/small' })).toMatchObject({ body: 'x' });
    // Node emits the end of a stream that is not read only then.
    await until(() => stream.rstCode !== 0);
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    stream.resume();
    await closed;
  });

  it('reads slowly keeps the writer waiting', async () => {
    let waits = 0;
    let written = 0;
    const { port } = await listening({
      handler: (exchange) => {
        const write = async () => {
          exchange.respond(200, {});
          for (let count = 0; count < 1_000; count += 1) {
            const drained = exchange.write(Buffer.alloc(64 * 1024));
            if (drained !== undefined) waits += 1;
            await drained;
            written += 64 * 1024;
          }
          exchange.end();
        };
        void write();
      },
    });
    const stream = open(await connect2(urlOf(port)));
    await once(stream, 'response');
    await until(() => waits > 0);
    // Time in which a writer that doesn't wait would write everything.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(written).toBeLessThan(4 * 1024 * 1024);
    stream.destroy();
  });
});
