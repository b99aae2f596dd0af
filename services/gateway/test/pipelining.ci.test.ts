/** What a connection of HTTP/1.1 that sends much at once takes of the event loop, which all connections share. */

import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '../../../packages/rpc/test/support/wait.js';
import { echo } from './support/handlers.js';
import { ask1, ask2, cleanUp, closeAll, connect2, connectRaw, listening, logged } from './support/listening.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

const HOST = 'Host: a\r\n';

describe('requests of HTTP/1.1 that are sent at once', () => {
  const ATTACKERS = 20;
  const EACH = 500;

  /** Sends many requests over each of many connections, and reads no answer. */
  async function flood(port: number): Promise<void> {
    for (let count = 0; count < ATTACKERS; count += 1) {
      (await connectRaw(port)).pause().write(`GET /flood HTTP/1.1\r\n${HOST}\r\n`.repeat(EACH));
    }
  }

  it('are answered one in a turn of the event loop, and other clients in between', async () => {
    let flooded = 0;
    let turn = 0;
    const turns: number[] = [];
    let loop = setImmediate(function count() {
      turn += 1;
      loop = setImmediate(count);
    });
    cleanUp(() => clearImmediate(loop));
    const { port } = await listening({
      handler(exchange) {
        if (exchange.path === '/flood') {
          flooded += 1;
          turns[turn] = (turns[turn] ?? 0) + 1;
        }
        exchange.respond(200, {});
        exchange.end();
      },
    });
    await flood(port);
    await until(() => flooded > 0);
    expect(await ask1(port, { path: '/innocent' })).toMatchObject({ status: 200 });
    expect(flooded).toBeLessThan((ATTACKERS * EACH) / 2);
    await until(() => flooded === ATTACKERS * EACH);
    // One of each connection that begins, and a few of those that go on.
    expect(Math.max(...turns.filter((count) => count > 0))).toBeLessThanOrEqual(2 * ATTACKERS);
  });

  it('hold up no upload of another connection', async () => {
    let flooded = 0;
    const { port } = await listening({
      async handler(exchange) {
        if (exchange.path === '/flood') flooded += 1;
        else await exchange.body.whole(8 * 1024 * 1024);
        exchange.respond(200, {});
        exchange.end();
      },
    });
    await flood(port);
    await until(() => flooded > 0);
    // The parser gets it in 512 parts, which would each wait for a turn of all the others.
    const body = Buffer.alloc(4 * 1024 * 1024);
    expect(await ask1(port, { method: 'POST', path: '/upload', body })).toMatchObject({ status: 200 });
    expect(flooded).toBeLessThan((ATTACKERS * EACH) / 2);
  });

  it('are not lost if they come in parts, or with bodies', async () => {
    const { port } = await listening({ handler: echo });
    const socket = await connectRaw(port);
    const one = `POST /echo HTTP/1.1\r\n${HOST}Content-Length: 12\r\n\r\n\r\n\r\nabcd\r\n\r\n`;
    const chunked = `POST /echo HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n`;
    const all = Buffer.from(`${one.repeat(3)}${chunked}${one}`);
    let answers = '';
    socket.on('data', (bytes) => {
      answers += bytes;
    });
    for (const byte of all) await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
    await until(() => answers.split('HTTP/1.1 200').length === 6);
    socket.write(all);
    await until(() => answers.split('HTTP/1.1 200').length === 11);
  });

  it('are answered after one whose body was not read, also if the end of its headers came in two parts', async () => {
    const { port } = await listening({
      async handler(exchange) {
        await setTimeout(100);
        exchange.respond(404, {});
        exchange.end();
      },
    });
    const socket = await connectRaw(port);
    let answers = '';
    socket.on('data', (bytes) => {
      answers += bytes;
    });
    socket.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r`);
    await setTimeout(20);
    socket.write(`\n${'x'.repeat(100)}`);
    await setTimeout(20);
    socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    await until(() => answers.split('HTTP/1.1 404').length === 3);
  });

  it('are parsed as fast as their bodies are read', async () => {
    const most: number[] = [];
    const { port } = await listening({
      async handler(exchange) {
        for await (const { length } of exchange.body.chunks()) most.push(length);
        exchange.respond(200, {});
        exchange.end();
      },
    });
    const body = Buffer.alloc(4 * 1024 * 1024);
    expect(await ask1(port, { method: 'POST', body })).toMatchObject({ status: 200 });
    expect(most.reduce((sum, length) => sum + length, 0)).toBe(body.length);
    expect(Math.max(...most)).toBeLessThanOrEqual(8 * 1024);
  });
});

it('requests of HTTP/2 that one client sends at once begin in turns with those of others', async () => {
  let flooded = 0;
  const { port } = await listening({
    handler(exchange) {
      if (exchange.path === '/flood') flooded += 1;
      exchange.respond(200, {});
      exchange.end();
    },
  });
  const createConnection = () => connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
  const floods = await Promise.all([1, 2, 3, 4].map(() => connect2(`http://127.0.0.1:${port}`, { createConnection })));
  const another = await connect2(`http://127.0.0.1:${port}`);
  for (const session of floods) {
    for (let count = 0; count < 200; count += 1) session.request({ ':path': '/flood' }).on('error', () => undefined);
  }
  await until(() => flooded > 0);
  expect(await ask2(another, { path: '/other' })).toMatchObject({ status: 200 });
  expect(flooded).toBeLessThan(800);
  await until(() => flooded === 800);
});
