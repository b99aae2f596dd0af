/** What the public port grants a client of HTTP/1.1, and how it refuses the rest. */

import { once } from 'node:events';
import http from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { until } from '../../../packages/rpc/test/support/wait.js';
import type { HttpExchange } from '../src/listener/exchange.js';
import { echo } from './support/handlers.js';
import {
  ask1,
  cleanUp,
  closeAll,
  connectRaw,
  exchangeRaw,
  keepAliveAgent,
  listening,
  logged,
  textOf,
} from './support/listening.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

const times = <T>(count: number, item: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => item(index));
const HOST = 'Host: a\r\n';

/** An answer as it went over the wire. */
function parsed(answer: string) {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), error: JSON.parse(body) };
}

describe('a request that is not valid HTTP/1.1', () => {
  it.each([
    ['rubbish', 'rubbish\r\n\r\n', 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, 400],
    ['a target without a slash', `GET x HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['two lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400],
    ['a length and chunks', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 400],
    ['a chunk without a size', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nx\r\n`, 400],
    ['CONNECT', `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`, 405],
    ['a header of 20 KiB', `GET / HTTP/1.1\r\n${HOST}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    [
      '101 headers',
      `GET / HTTP/1.1\r\n${HOST}${times(100, (index) => `x${index}: 1\r\n`).join('')}Connection: close\r\n\r\n`,
      431,
    ],
    ['HTTP/3.0', `GET / HTTP/3.0\r\n${HOST}\r\n`, 505],
    ['HTTP/0.9', 'GET /\r\n\r\n', 505],
  ])('is refused: %s', async (_name, bytes, status) => {
    const { port } = await listening({ handler: echo });
    const answer = parsed(await exchangeRaw(port, bytes));
    expect(answer).toMatchObject({ status, error: { message: expect.any(String), details: [] } });
  });

  it('gets an error for a target whose characters are not escaped', async () => {
    const { port } = await listening({ handler: echo });
    const { status, error } = parsed(await exchangeRaw(port, `GET /v1/notes?text=é HTTP/1.1\r\n${HOST}\r\n`));
    expect([status, error.message]).toEqual([400, expect.stringContaining('percent-encoded')]);
  });

  it.each(['rubbish\r\n\r\n', `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`])(
    'gets an answer of its own, and no other request gets it: %j',
    async (bytes) => {
      const { port } = await listening({ handler: () => undefined });
      expect(await exchangeRaw(port, `GET /slow HTTP/1.1\r\n${HOST}\r\n${bytes}`)).toBe('');
    },
  );
});

describe('a request of HTTP/1.1', () => {
  it.each([1, 64, 70])('is answered with each byte of a body of %s KiB', async (kib) => {
    const body = Buffer.from(times(kib * 1024, (index) => index % 256));
    const handler = (exchange: HttpExchange) => {
      exchange.respond(200, { 'x-text': 'a' });
      exchange.end(body.subarray(0));
    };
    const { port } = await listening({ handler });
    const [response]: http.IncomingMessage[] = await once(http.get({ port, host: '127.0.0.1' }), 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of response ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
    expect(response?.headers).toMatchObject({ 'content-length': String(body.length), 'x-text': 'a' });
  });

  it('may have an absolute target, whose authority counts', async () => {
    const { port } = await listening({ handler: echo });
    const bytes = `GET http://b/c?d HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
    expect(parsed(await exchangeRaw(port, bytes)).error).toMatchObject({ authority: 'b', path: '/c', query: 'd' });
  });

  it('may have 100 headers', async () => {
    const { port } = await listening({ handler: echo });
    const headers = Object.fromEntries(times(98, (index) => [`x${index}`, '1']));
    expect(await ask1(port, { headers })).toMatchObject({ status: 200 });
  });

  it('is not upgraded', async () => {
    const { port } = await listening({ handler: echo });
    const headers = { connection: 'Upgrade', upgrade: 'h2c', 'http2-settings': '' };
    expect(await ask1(port, { headers })).toMatchObject({ status: 200 });
  });

  it('is disconnected if it sends no byte', async () => {
    const { port } = await listening({ handler: echo, limits: { handshakeMs: 50, tickMs: 10 } });
    expect(await exchangeRaw(port, '')).toBe('');
  });

  it('is refused if its headers trickle in', async () => {
    const { port } = await listening({ handler: echo, limits: { headersMs: 100 } });
    const socket = await connectRaw(port);
    const trickle = setInterval(() => socket.write('x'), 20);
    cleanUp(() => clearInterval(trickle));
    socket.write('GET / HTTP/1.1\r\nX: ');
    expect(parsed(await textOf(socket)).status).toBe(408);
  });

  it('is refused if its body trickles in', async () => {
    const { port } = await listening({ handler: echo, limits: { bodyGraceMs: 50, tickMs: 10, discardMs: 50 } });
    const socket = await connectRaw(port);
    const trickle = setInterval(() => socket.write('x'), 20);
    cleanUp(() => clearInterval(trickle));
    socket.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 1000\r\n\r\n`);
    const answer = await textOf(socket);
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toMatch(/connection: close/i);
  });

  it('may not rest for long because it sent much before', async () => {
    const limits = { bodyGraceMs: 50, stallMs: 100, tickMs: 10, discardMs: 50 };
    const { port } = await listening({ handler: echo, limits });
    const socket = await connectRaw(port);
    socket.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 4000000\r\n\r\n`);
    socket.write(Buffer.alloc(3_000_000));
    expect(await textOf(socket)).toMatch(/^HTTP\/1.1 408 /);
  });

  it('is refused early if it declares a gigabyte', async () => {
    const { port, listener } = await listening({ handler: echo, limits: { discardMs: 5_000, tickMs: 10 } });
    const request = http.request({ port, host: '127.0.0.1', method: 'POST', headers: { 'content-length': 2 ** 30 } });
    request.on('error', () => undefined);
    let sent = 0;
    const send = () => {
      while (!request.destroyed && request.write(Buffer.alloc(64 * 1024))) sent += 64 * 1024;
    };
    request.on('drain', send);
    send();
    const [response] = await once(request, 'response');
    expect(response.statusCode).toBe(413);
    expect(response.headers.connection).toBe('close');
    await until(() => listener.connections === 0);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('gets the answer to a body that is too large, also if it reads that late', async () => {
    const { port } = await listening({ handler: echo, limits: { discardMs: 600_000 } });
    const socket = await connectRaw(port);
    socket.pause().write(`POST / HTTP/1.1\r\n${HOST}Content-Length: ${2 ** 30}\r\n\r\n`);
    socket.write(Buffer.alloc(16 * 1024 * 1024));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const [first] = await once(socket.resume(), 'data');
    expect(String(first)).toMatch(/^HTTP\/1.1 413 /);
  });

  it('is disconnected if it goes on after the answer', async () => {
    const { port, listener } = await listening({
      handler: (exchange) => {
        exchange.respond(404, {});
        exchange.end();
      },
      limits: { discardMs: 500, tickMs: 10 },
    });
    const socket = await connectRaw(port);
    let sent = 0;
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(64 * 1024), Buffer.from('\r\n')]);
    const send = () => {
      while (socket.writable) {
        sent += chunk.length;
        if (!socket.write(chunk)) break;
      }
    };
    socket.resume().on('drain', send).write(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`);
    // It sends on, though the listener has ended its side.
    socket.allowHalfOpen = true;
    send();
    await until(() => listener.connections === 0);
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  it('is asked to go on only if its body is wanted', async () => {
    const { port } = await listening({
      handler: (exchange) => {
        if (exchange.path === '/wanted') echo(exchange);
        else {
          exchange.respond(404, {});
          exchange.end();
        }
      },
    });
    const wants = async (path: string) => {
      const headers = { expect: '100-continue', 'content-length': '5' };
      const request = http.request({ port, host: '127.0.0.1', method: 'POST', path, headers });
      let proceeds = false;
      request.on('continue', () => {
        proceeds = true;
        request.end('hello');
      });
      request.on('error', () => undefined).flushHeaders();
      const [response] = await once(request, 'response');
      response.resume();
      return [proceeds, response.statusCode];
    };
    expect(await wants('/wanted')).toEqual([true, 200]);
    expect(await wants('/other')).toEqual([false, 404]);
  });

  it('leaves its connection open if its unread body is short', async () => {
    const { port } = await listening({
      handler: (exchange) => {
        exchange.respond(200, {});
        exchange.end();
      },
    });
    const agent = keepAliveAgent();
    const first = await ask1(port, { method: 'POST', body: 'x'.repeat(10_000), agent });
    const second = await ask1(port, { method: 'POST', body: 'x'.repeat(10_000), agent });
    expect([first.headers.connection, second.headers.connection]).toEqual(['keep-alive', 'keep-alive']);
  });

  it.each([
    ['chunks without an announced end', 'Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n'],
    ['a long body', `Content-Length: ${1024 * 1024}\r\n\r\nx`],
    ['a body that waits to be asked for', 'Expect: 100-continue\r\nContent-Length: 1\r\n\r\n'],
  ])(
    'learns with the answer that its connection closes, if the answer comes before the end of %s',
    async (_of, rest) => {
      const { port } = await listening({
        handler: async (exchange) => {
          if (exchange.headers.expect === undefined) for await (const _ of exchange.body.chunks()) break;
          exchange.body.discard();
          exchange.respond(200, {});
          exchange.end();
        },
        limits: { discardMs: 50, tickMs: 10 },
      });
      expect(await exchangeRaw(port, `POST / HTTP/1.1\r\n${HOST}${rest}`)).toMatch(/\r\nconnection: close\r\n/i);
    },
  );

  it('keeps its connection if the answer comes before the end of a short body', async () => {
    const { port } = await listening({
      handler: async (exchange) => {
        for await (const _ of exchange.body.chunks()) break;
        exchange.body.discard();
        exchange.respond(200, { 'x-path': exchange.path });
        exchange.end();
      },
    });
    const socket = await connectRaw(port);
    socket.write(`POST /1 HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nx`);
    expect(String((await once(socket, 'data'))[0])).toMatch(/\r\nconnection: keep-alive\r\n/i);
    socket.write(`xPOST /2 HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\nx`);
    expect(String((await once(socket, 'data'))[0])).toMatch(/\r\nx-path: \/2\r\n/i);
  });

  it('waits for the ones before it on its connection', async () => {
    const waiting: HttpExchange[] = [];
    const { port } = await listening({ handler: (exchange) => void waiting.push(exchange) });
    const socket = await connectRaw(port);
    socket.write(`GET /1 HTTP/1.1\r\n${HOST}\r\n`.repeat(100));
    for (let count = 1; count <= 100; count += 1) {
      await until(() => waiting.length > 0);
      expect(waiting).toHaveLength(1);
      const [exchange] = waiting.splice(0);
      exchange?.respond(200, {});
      exchange?.end(Buffer.from(`<${count}>`));
      if (count === 100) await once(socket.resume(), 'data');
    }
  });
});

describe('a client of HTTP/1.1 that', () => {
  it('leaves is noticed', async () => {
    const left: boolean[] = [];
    let begun = 0;
    const { port, listener } = await listening({
      handler(exchange) {
        begun += 1;
        exchange.onClose((gone) => left.push(gone));
      },
    });
    const socket = await connectRaw(port);
    socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(20));
    await until(() => begun === 1);
    socket.resetAndDestroy();
    await until(() => left.length === 1 && listener.connections === 0);
    expect(left).toEqual([true]);
  });

  it('ends its side gets the answers to what it has sent, and is then disconnected', async () => {
    const held: (() => void)[] = [];
    const { port, listener } = await listening({
      handler: (exchange) => (exchange.path === '/other' ? echo(exchange) : void held.push(() => echo(exchange))),
    });
    const post = `POST / HTTP/1.1\r\n${HOST}Content-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`;
    const socket = await connectRaw(port);
    const answers = textOf(socket);
    await new Promise((resolve) => socket.end(post.repeat(3), () => resolve(undefined)));
    for (let answered = 0; answered < 3; answered += 1) {
      await until(() => held.length > answered);
      // By then the listener has seen the end.
      for (let asked = 0; asked < 3; asked += 1) await ask1(port, { path: '/other', agent: new http.Agent() });
      held[answered]?.();
    }
    const statuses = [...(await answers).matchAll(/HTTP\/1\.1 (\d+)[\s\S]*?bytes: (\d+)/g)].map(
      ([, ...parts]) => parts,
    );
    expect(statuses).toEqual(times(3, () => ['200', '300000']));
    await until(() => listener.connections === 0);
  });

  it.each([
    ['in the middle of a request', `POST / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nx`],
    ['in the middle of a stream', `GET /stream HTTP/1.1\r\n${HOST}\r\n`],
    ['and gets no answer in time', `GET / HTTP/1.1\r\n${HOST}\r\n`],
  ])('ends its side %s has left', async (_when, request) => {
    const left: boolean[] = [];
    const { port, listener } = await listening({
      limits: { keepAliveMs: request.includes('/stream') ? 600_000 : 100, tickMs: 10 },
      handler(exchange) {
        exchange.onClose((gone) => left.push(gone));
        if (exchange.path === '/stream') exchange.respond(200, {});
        if (exchange.path === '/stream') void exchange.write(Buffer.from('a part'));
      },
    });
    const socket = await connectRaw(port);
    socket.write(request);
    if (request.includes('/stream')) await once(socket, 'data');
    socket.resume().end();
    await until(() => left[0] === true && listener.connections === 0);
  });

  it('reads nothing is cut off', async () => {
    const closed: boolean[] = [];
    const { port, listener } = await listening({
      limits: { stallMs: 100, tickMs: 10 },
      handler: (exchange) => {
        exchange.onClose((left) => closed.push(left));
        exchange.respond(200, {});
        exchange.end(Buffer.alloc(32 * 1024 * 1024));
      },
    });
    const socket = await connectRaw(port);
    socket.pause().write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    await until(() => closed.length === 1 && listener.connections === 0);
    expect(closed).toEqual([true]);
  });

  it('reads slowly is not cut off', async () => {
    const clock = new ManualClock();
    let written = 0;
    const { port } = await listening({
      clock,
      limits: { stallMs: 5_000 },
      async handler(exchange) {
        exchange.respond(200, {});
        for (; written < 64; written += 1) await exchange.write(Buffer.alloc(256 * 1024));
        exchange.end();
      },
    });
    const socket = await connectRaw(port);
    socket.write(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    let size = 0;
    let rests = 0;
    let seen = 0;
    for await (const chunk of socket) {
      size += chunk.length;
      if (rests === 3 || written === seen) continue;
      // Each rest is shorter than the limit, and all together are longer.
      await clock.advance(3_000);
      seen = written;
      rests += 1;
    }
    expect(rests).toBe(3);
    expect(size).toBeGreaterThan(16 * 1024 * 1024);
  });
});
