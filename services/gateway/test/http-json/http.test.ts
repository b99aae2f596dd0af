import { once } from 'node:events';
import http from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type CallContext, Metadata } from '@rondo/rpc/call';
import { createRoutes } from '@rondo/schema/http';
import type { PublicMethod } from '../../src/discovery/catalogue.js';
import { createHttpJson } from '../../src/http-json/http-json.js';
import type { HttpExchange } from '../../src/listener/exchange.js';
import type { Backend } from '../../src/protocols/backend.js';
import { ask1, ask2, closeAll, connect2, listening, logged, textOf } from '../support/listening.js';
import { binding, target } from './contract.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

const routes = createRoutes<PublicMethod>([
  { method: '/Add', binding: binding('POST /add', '*'), target: target('EchoPlain', { int64AsNumber: true }) },
  { method: '/Chat', binding: binding('POST /v1/chat', '*'), target: target('Chat') },
  { method: '/Watch', binding: binding('GET /v1/watch'), target: target('Watch') },
]);

/** Serves the routes behind the public port. */
function serving(backend: Backend, draining?: AbortSignal) {
  const serve = createHttpJson({
    backend,
    ...(draining && { draining }),
  });
  return listening({
    handler(exchange: HttpExchange) {
      const found = routes.match(exchange.method, exchange.path);
      if (found === undefined || !('target' in found)) throw new Error(`no route ${exchange.path}`);
      serve(exchange, found);
    },
  });
}

/** Answers with what it is asked. */
const echo: Backend = async ({ request }) => {
  const payload = typeof request === 'function' ? request({} as never) : request;
  if (payload === undefined) throw new Error('every instance takes the call');
  return { header: new Metadata(), trailer: new Metadata(), response: payload, from: undefined };
};

describe('over the public port', () => {
  const asked = { method: 'POST', path: '/add', body: '{"a": 1, "b": 2}' };

  it('a call is answered over HTTP/1.1 and HTTP/2', async () => {
    const { port } = await serving(echo);
    const expected = { status: 200, body: '{"a":1,"b":2,"ratio":0}' };
    expect(await ask1(port, asked)).toMatchObject(expected);
    expect(await ask2(await connect2(`http://127.0.0.1:${port}`), asked)).toMatchObject(expected);
  });

  it('a call ends at its deadline while the client still sends its request', async () => {
    const { port } = await serving(echo);
    const headers = { 'grpc-timeout': '50m', 'content-length': '100' };
    const request = http.request({ port, host: '127.0.0.1', method: 'POST', path: '/add', headers });
    request.on('error', () => undefined).write('{"a": 1,');
    const [response] = await once(request, 'response');
    expect([response.statusCode, JSON.parse(await textOf(response))]).toMatchObject([504, { code: 4 }]);
  });

  it('requests and replies are streamed both ways over HTTP/2', async () => {
    const { port } = await serving(echo);
    const session = await connect2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':method': 'POST', ':path': '/v1/chat' }, { endStream: false });
    stream.setEncoding('utf8');
    for (const a of ['1', '2']) {
      stream.write(`{"a":${a}}\n`);
      const [line] = await once(stream, 'data');
      expect(JSON.parse(line)).toMatchObject({ a });
    }
    stream.end();
    await once(stream, 'end');
  });

  it('the call ends when the client leaves a stream that rests', async () => {
    let context: CallContext | undefined;
    const { port } = await serving(
      resting((one) => {
        context = one;
      }),
    );
    const session = await connect2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': '/v1/watch', accept: 'text/event-stream' });
    await once(stream, 'data');
    const ended = new Promise<void>((resolve) => context?.onEnd(resolve));
    stream.close(8);
    await ended;
    expect(context?.reason?.codeName).toBe('CANCELLED');
  });

  it.each([
    ['text/event-stream', /^retry: 1000\n\n$/],
    ['*/*', /^\{"error":\{"code":14,/],
  ])('a stream without an end of its own ends when the gateway drains (%s)', async (accept, end) => {
    const draining = new AbortController();
    const { port } = await serving(
      resting(() => {}),
      draining.signal,
    );
    const session = await connect2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': '/v1/watch', accept });
    await once(stream, 'response');
    stream.setEncoding('utf8');
    let text = '';
    stream.on('data', (part) => {
      text += part;
    });
    draining.abort();
    await once(stream, 'end');
    expect(text).toMatch(end);
  });
});

/** A stream of replies without any, until the call ends. */
function resting(begun: (context: CallContext) => void): Backend {
  return async ({ context }) => {
    begun(context);
    async function* messages(): AsyncGenerator<Uint8Array> {
      await new Promise<void>((resolve) => context.onEnd(resolve));
      if (context.reason !== undefined) throw context.reason;
    }
    return {
      header: new Metadata(),
      trailer: new Metadata(),
      response: { stream: true, messages: messages() },
      from: undefined,
    };
  };
}
