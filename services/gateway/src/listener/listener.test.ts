import { afterEach, describe, expect, it } from '@jest/globals';
import { echo, echoStream } from '../../test/support/handlers.js';
import { ask1, ask2, closeAll, connect2, listening, logged } from '../../test/support/listening.js';

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
});
