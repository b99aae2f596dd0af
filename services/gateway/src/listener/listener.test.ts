import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { until } from '../../../../packages/rpc/test/support/wait.js';
import { echo, echoStream } from '../../test/support/handlers.js';
import {
  ask1,
  ask2,
  closeAll,
  connect2,
  connectRaw,
  exchangeRaw,
  keepAliveAgent,
  listening,
  logged,
} from '../../test/support/listening.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

const LARGE = 'x'.repeat(1_000_000);

describe('the public port', () => {
  it('answers HTTP/1.1', async () => {
    const { port } = await listening({ handler: echo });
    const { status, headers, body } = await ask1(port, { method: 'POST', path: '/a%2Fb?c=d&e', body: 'hello' });
    expect(status).toBe(200);
    expect(headers).toMatchObject({ bytes: '5', 'content-length': String(body.length), connection: 'keep-alive' });
    expect(JSON.parse(body)).toEqual({
      version: '1.1',
      secure: false,
      method: 'POST',
      path: '/a%2Fb',
      query: 'c=d&e',
      authority: `127.0.0.1:${port}`,
      remote: '127.0.0.1',
      body: 'hello',
    });
  });

  it('answers HTTP/2 without TLS on the same port, with trailers', async () => {
    const { port } = await listening({ handler: echo });
    const session = await connect2(`http://127.0.0.1:${port}`);
    const { status, headers, body, trailers } = await ask2(session, { method: 'POST', path: '/x?y', body: 'hello' });
    expect(status).toBe(200);
    expect(headers).toMatchObject({ bytes: '5' });
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    expect(JSON.parse(body)).toMatchObject({ version: '2', method: 'POST', path: '/x', query: 'y', body: 'hello' });
  });

  it.each(['1.1', '2'])('carries a megabyte both ways over HTTP/%s', async (version) => {
    const { port } = await listening({ handler: (exchange) => void echoStream(exchange) });
    const asked = { method: 'POST', body: LARGE };
    const answer =
      version === '2' ? await ask2(await connect2(`http://127.0.0.1:${port}`), asked) : await ask1(port, asked);
    expect(answer.body).toBe(LARGE);
  });

  it.each(['1.1', '2'])('answers HEAD without a body over HTTP/%s', async (version) => {
    const { port } = await listening({ handler: echo });
    const answer =
      version === '2'
        ? await ask2(await connect2(`http://127.0.0.1:${port}`), { method: 'HEAD' })
        : await ask1(port, { method: 'HEAD' });
    expect(answer).toMatchObject({ status: 200, body: '' });
  });

  it('sends a failure without a body in one frame, as gRPC does', async () => {
    const { port } = await listening({
      handler: (exchange) => {
        exchange.respond(200, { 'content-type': 'application/grpc' });
        exchange.end(undefined, { 'grpc-status': '5' });
      },
    });
    const session = await connect2(`http://127.0.0.1:${port}`);
    const answer = await ask2(session, { method: 'POST', body: 'x' });
    expect(answer).toMatchObject({ status: 200, headers: { 'grpc-status': '5' }, body: '' });
    expect(answer.trailers).toBeUndefined();
  });

  it('refuses connections beyond its limit, and logs one of them a second', async () => {
    const clock = new ManualClock();
    const { port, listener } = await listening({ handler: echo, clock, limits: { connectionsPerClient: 3 } });
    const sockets = await Promise.all([1, 2, 3].map(() => connectRaw(port)));
    await until(() => listener.connections === 3);
    const refused = async () => expect(await exchangeRaw(port, `GET / HTTP/1.1\r\n\r\n`).catch(() => '')).toBe('');
    for (let times = 3; times > 0; times -= 1) await refused();
    await clock.advance(1_000);
    await refused();
    const text = 'a connection was refused: its address has 3 connections, as many as it may';
    expect(logged.splice(0)).toEqual([
      [{ peer: '127.0.0.1' }, text],
      [{ peer: '127.0.0.1', leftOut: 2 }, text],
    ]);
    sockets[0]?.destroy();
    await until(() => listener.connections === 2);
    expect(await ask1(port, { agent: keepAliveAgent() })).toMatchObject({ status: 200 });
  });
});
