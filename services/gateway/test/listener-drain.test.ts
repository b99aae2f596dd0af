/** The end of the public port: what is under way ends well. */

import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { until } from '../../../packages/rpc/test/support/wait.js';
import type { HttpExchange, HttpHandler } from '../src/listener/exchange.js';
import { echo } from './support/handlers.js';
import {
  ask1,
  ask2,
  closeAll,
  connect2,
  connectRaw,
  keepAliveAgent,
  listening,
  logged,
  textOf,
} from './support/listening.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

function answer(exchange: HttpExchange, body: string): void {
  exchange.respond(200, {});
  exchange.end(Buffer.from(body));
}

/** A listener whose clock stands still: a client may take its time to answer. */
async function standing(handler: HttpHandler) {
  const clock = new ManualClock();
  return { clock, ...(await listening({ handler, clock })) };
}

/** A listener whose requests wait until the test answers them. */
async function holding() {
  const held: HttpExchange[] = [];
  return { held, ...(await standing((exchange) => void held.push(exchange))) };
}

/** Resolves when the connection has ended, by a reset or not. */
const closing = (socket: Socket) => new Promise((resolve) => socket.resume().once('close', resolve));

describe('a listener that drains', () => {
  it('finishes the requests in flight, and their connections', async () => {
    const { held, port, listener } = await holding();
    const session = await connect2(`http://127.0.0.1:${port}`);
    const asked = [ask1(port, { agent: keepAliveAgent() }), ask2(session), ask2(session)];
    await until(() => held.length === 3);
    const drained = listener.drain(60_000);
    for (const exchange of held) answer(exchange, 'finished');
    const [first, ...others] = await Promise.all(asked);
    expect(first).toMatchObject({ body: 'finished', headers: { connection: 'close' } });
    expect(others.map(({ body }) => body)).toEqual(['finished', 'finished']);
    await drained;
    expect(listener.connections).toBe(0);
  });

  it('loses no HTTP/2 request that is on its way as it begins', async () => {
    const { port, listener } = await standing(echo);
    const session = await connect2(`http://127.0.0.1:${port}`);
    const before = Array.from({ length: 50 }, () => ask2(session));
    const drained = listener.drain(60_000);
    const after = Array.from({ length: 50 }, () => ask2(session));
    const statuses = (await Promise.all([...before, ...after])).map(({ status }) => status);
    expect(statuses).toEqual(Array(100).fill(200));
    await drained;
  });

  it('tells the clients of HTTP/2 by GOAWAY, and takes no further connection', async () => {
    const { held, port, listener } = await holding();
    const session = await connect2(`http://127.0.0.1:${port}`);
    const asked = ask2(session);
    await until(() => held.length === 1);
    const goneAway = once(session, 'goaway');
    const drained = listener.drain(60_000);
    expect(await goneAway).toContain(0);
    await until(() =>
      connectRaw(port).then(
        (socket) => !socket.destroy(),
        (error) => error.code === 'ECONNREFUSED',
      ),
    );
    for (const exchange of held) answer(exchange, 'finished');
    expect(await asked).toMatchObject({ body: 'finished' });
    await drained;
  });

  it('still answers on idle HTTP/1.1 connections while other requests are in flight', async () => {
    const { held, port, listener } = await holding();
    const agent = keepAliveAgent();
    const first = ask1(port, { agent });
    await until(() => held.length === 1);
    for (const exchange of held.splice(0)) answer(exchange, 'first');
    await first;
    const session = await connect2(`http://127.0.0.1:${port}`);
    const slow = ask2(session, { path: '/slow' });
    await until(() => held.length === 1);
    const drained = listener.drain(60_000);
    const second = ask1(port, { agent });
    await until(() => held.length === 2);
    for (const exchange of held.splice(0)) answer(exchange, 'second');
    expect(await second).toMatchObject({ body: 'second', headers: { connection: 'close' } });
    await slow;
    await drained;
  });

  it('answers the first request of a connection for a second, and closes the connection', async () => {
    const { clock, port, listener } = await standing(echo);
    const agent = keepAliveAgent();
    await ask1(port, { agent });
    const undecided = await connectRaw(port);
    await until(() => listener.connections === 2);
    const drained = listener.drain(60_000);
    await clock.advance(900);
    const onIdle = ask1(port, { agent, method: 'POST', body: 'idle' });
    undecided.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfirst');
    const [answer, raw] = await Promise.all([onIdle, textOf(undecided)]);
    expect(answer).toMatchObject({ status: 200, headers: { connection: 'close' } });
    expect(raw).toMatch(/^HTTP\/1.1 200 .*connection: close/is);
    await drained;
  });

  it('takes the connections that wait to be accepted before it closes the port', async () => {
    const { port, listener } = await standing(echo);
    const asked = Array.from({ length: 40 }, () => ask1(port, { method: 'POST', body: 'sent' }));
    const drained = listener.drain(60_000);
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(40).fill(200));
    await drained;
  });

  it('closes connections without a request', async () => {
    const { clock, port, listener } = await standing(echo);
    await connect2(`http://127.0.0.1:${port}`);
    await ask1(port, { agent: keepAliveAgent() });
    const silent = await connectRaw(port);
    const half = await connectRaw(port);
    half.write('GET /');
    await until(() => listener.connections === 4);
    const closed = [silent, half].map((socket) => closing(socket));
    const drained = listener.drain(60_000);
    await clock.advance(2_000);
    await drained;
    await Promise.all(closed);
  });

  it('lets handlers end their endless answers', async () => {
    const {
      clock,
      port,
      listener: started,
    } = await standing((exchange) => {
      exchange.respond(200, {});
      void exchange.write(Buffer.from('event'));
      started.draining.addEventListener('abort', () => exchange.end(Buffer.from(' end')), { once: true });
    });
    const session = await connect2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': '/' });
    const request = http.get({ port, host: '127.0.0.1' });
    const [[response]] = await Promise.all([once(request, 'response'), once(stream, 'response')]);
    const drained = started.drain(60_000);
    expect(await Promise.all([textOf(stream), textOf(response)])).toEqual(['event end', 'event end']);
    await clock.advance(1_000);
    await drained;
  });

  it('cuts off what outlives the grace', async () => {
    const { clock, held, port, listener } = await holding();
    const closed: boolean[] = [];
    const asked = [ask1(port), ask2(await connect2(`http://127.0.0.1:${port}`))].map((one) => one.catch(() => 'cut'));
    await until(() => held.length === 2);
    for (const exchange of held) exchange.onClose((left) => closed.push(left));
    const drained = listener.drain(20);
    await clock.advance(20);
    await drained;
    expect(await Promise.all(asked)).toEqual(['cut', 'cut']);
    expect(closed).toHaveLength(2);
    expect(listener.connections).toBe(0);
  });

  it('ends at once if nothing is open, however often it is asked', async () => {
    const { listener } = await listening({ handler: echo });
    await listener.drain(60_000);
    await listener.drain(60_000);
  });
});

describe('a process that is about to stop', () => {
  it('still answers, and closes each HTTP/1.1 connection after it', async () => {
    let leaves = false;
    const { port } = await listening({ handler: echo, leaving: () => leaves });
    const agent = keepAliveAgent();
    expect((await ask1(port, { agent })).headers.connection).toBe('keep-alive');
    leaves = true;
    expect(await ask1(port, { agent })).toMatchObject({ status: 200, headers: { connection: 'close' } });
  });
});

it('says why it cannot listen', async () => {
  const { port } = await listening({ handler: echo });
  const { createListener } = await import('../src/listener/listener.js');
  const { silentLogger } = await import('@rondo/rpc/call');
  const second = createListener({ listen: { host: '127.0.0.1', port }, handler: echo, log: silentLogger });
  await expect(second.listen()).rejects.toMatchObject({
    name: 'StartupError',
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
});
