/** How grpc-js reports failures of connections, and what they mean: the facts that wire.ts relies on. */

import { promises as dns } from 'node:dns';
import { constants } from 'node:http2';
import { describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { closersOfATest } from '../../../test/support/closers.js';
import {
  answerPartly,
  answerThenFail,
  answerWithStatus,
  type OnStream,
  startRawServer,
} from '../../../test/support/http2-server.js';
import { failure } from '../../../test/support/outcome.js';
import { startProcess } from '../../../test/support/peer-process.js';
import { collect, streamOf } from '../../../test/support/stream.js';
import { until } from '../../../test/support/wait.js';
import { wireCall } from '../../../test/support/wire-call.js';
import { Status, statusName } from '../../status/code.js';
import type { RpcError } from '../../status/rpc-error.js';
import { TransportError } from '../../status/wire-errors.js';
import { peerTransport } from '../peer-connection.js';
import type { Transport, WireCall } from '../transport.js';

type Options = Parameters<typeof peerTransport>[1];

const STREAM: Partial<WireCall> = { responseStream: true };
const UPLOAD: Partial<WireCall> = { request: { stream: true, messages: streamOf() } };
const closers = closersOfATest();

async function connectTo(onStream: OnStream, options: Options = {}) {
  const server = await startRawServer(onStream);
  closers.push(() => server.close());
  return { server, transport: await connected(server.address, options) };
}

function transportTo(address: string, options: Options = {}): Transport {
  const transport = peerTransport(address, options);
  closers.push(() => transport.close());
  return transport;
}

async function connected(address: string, options: Options = {}): Promise<Transport> {
  // A busy machine may take longer than the default.
  const transport = transportTo(address, { connectTimeoutMs: 30_000, ...options });
  await transport.connect();
  return transport;
}

/** How a call fails, at once or while its reply is read. */
async function failureOf({ call }: Transport, wire: Partial<WireCall> = {}): Promise<RpcError> {
  const made = async () => {
    const { response } = await call(wireCall(wire));
    if (response.stream) await collect(response.messages);
  };
  return failure(made());
}

/** The code of a failed call, and how far it got. */
async function endOf(transport: Transport, wire?: Partial<WireCall>): Promise<string> {
  const error = await failureOf(transport, wire);
  return `${statusName(error.code)} ${error instanceof TransportError ? error.reach : 'answered'}`;
}

describe("the server's own answer", () => {
  const texts = [
    'Connection dropped',
    'Stream refused by server',
    'No connection established',
    'Failed to start HTTP/2 stream',
    'Write error: write after end',
    'Received RST_STREAM with code 2',
    '',
  ];

  it.each(texts)('is recognised even with UNAVAILABLE and the text of a lost connection: %j', async (text) => {
    const { transport } = await connectTo((stream) => answerWithStatus(stream, Status.UNAVAILABLE, text));
    for (const wire of [{}, STREAM]) expect(await endOf(transport, wire)).toBe('UNAVAILABLE answered');
  });

  it('is recognised after a header and a message, too', async () => {
    const { transport } = await connectTo((stream) => answerThenFail(stream, Status.UNAVAILABLE, 'Connection dropped'));
    for (const wire of [{}, STREAM]) expect(await endOf(transport, wire)).toBe('UNAVAILABLE answered');
  });

  it.each([
    ['no reply', 0],
    ['a second reply', 2],
  ])('with %s to a method that has one is UNIMPLEMENTED', async (_what, messages) => {
    const { transport } = await connectTo((stream) => {
      stream.respond({ 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(5 * messages));
    });
    for (const wire of [{}, UPLOAD]) {
      expect(await failureOf(transport, wire)).toMatchObject({ code: Status.UNIMPLEMENTED });
    }
  });
});

it.each([
  [404, Status.UNIMPLEMENTED, 'never'],
  [503, Status.UNAVAILABLE, 'unknown'],
])('%i without content type and body is of a peer that is no gRPC server', async (http, code, reach) => {
  const bare = { endStream: true, sendDate: false };
  const { transport } = await connectTo((stream) => stream.respond({ ':status': http }, bare));
  for (const wire of [{}, STREAM]) {
    expect(await failureOf(transport, wire)).toMatchObject({ code, reach, foreign: true });
  }
});

describe('a connection that breaks while a call is in flight: UNAVAILABLE, and how far the call got is unknown', () => {
  const soon = (what: () => void) => setTimeout(what, 20);

  it.each([
    ['before anything came', 0, {}],
    ['before anything came of a stream', 0, STREAM],
    ['amid a stream', 2, STREAM],
    ['after a reply without its status', 1, {}],
  ])('%s', async (_name, messages, wire) => {
    const { server, transport } = await connectTo((stream) => {
      if (messages > 0) answerPartly(stream, messages);
      soon(() => server.kill());
    });
    const error = await failureOf(transport, wire);
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, reach: 'unknown' });
    expect(error.message).toContain('the connection broke');
  });

  it('while the server pushes a stream, and the process lives', async () => {
    const { server, transport } = await connectTo((stream) => {
      stream.pushStream({ ':path': '/pushed' }, (error, pushed) => {
        if (error !== null) throw error;
        pushed.on('error', () => undefined);
        soon(() => server.kill());
      });
    });
    expect(await endOf(transport)).toBe('UNAVAILABLE unknown');
  });

  it('by kill -9 of the server', async () => {
    const server = await startProcess(`
      const server = require('node:http2').createServer();
      server.on('stream', () => process.stdout.write('call\\n'));
      server.listen(0, '127.0.0.1', () => process.stdout.write(server.address().port + '\\n'));`);
    closers.push(() => server.close());
    const call = endOf(await connected(server.address));
    await until(() => server.calls() === 1);
    server.signal('SIGKILL');
    expect(await call).toBe('UNAVAILABLE unknown');
  });

  it('by the end of its socket', async () => {
    const { server, transport } = await connectTo(() => soon(() => server.end()));
    expect(await endOf(transport)).toBe('UNAVAILABLE unknown');
  });

  it.each([
    ['INTERNAL_ERROR', constants.NGHTTP2_INTERNAL_ERROR],
    ['ENHANCE_YOUR_CALM', constants.NGHTTP2_ENHANCE_YOUR_CALM],
  ])('by GOAWAY with %s', async (_name, code) => {
    const { transport } = await connectTo((stream, session) => {
      session.goaway(code, stream.id);
      soon(() => session.destroy());
    });
    for (const wire of [{}, STREAM]) {
      expect(await endOf(transport, wire)).toBe('UNAVAILABLE unknown');
      await until(() => transport.state === 'ready');
    }
  });

  it('by bytes that are no HTTP/2: Node 20 stops reading then, so that only keepalive detects it', async () => {
    const bytes = Buffer.from('HTTP/1.1 408 Request Timeout\r\n\r\n');
    const { server, transport } = await connectTo(() => server.write(bytes), { minPingIntervalMs: 1_000 });
    expect(await endOf(transport)).toBe('UNAVAILABLE unknown');
  });
});

describe('a stream that the server resets', () => {
  it.each([
    ['REFUSED_STREAM', 'UNAVAILABLE never'],
    ['NO_ERROR', 'INTERNAL unknown'],
    ['CANCEL', 'CANCELLED unknown'],
    ['INTERNAL_ERROR', 'INTERNAL unknown'],
    ['ENHANCE_YOUR_CALM', 'RESOURCE_EXHAUSTED unknown'],
    ['PROTOCOL_ERROR', 'INTERNAL unknown'],
  ] as const)('with %s: %s', async (name, end) => {
    const { transport } = await connectTo((stream) => stream.close(constants[`NGHTTP2_${name}`]));
    expect(await endOf(transport)).toBe(end);
  });

  it('with CANCEL at the deadline: DEADLINE_EXCEEDED', async () => {
    const { transport } = await connectTo((stream) => stream.close(constants.NGHTTP2_CANCEL));
    expect((await failureOf(transport, { deadline: 0 })).codeName).toBe('DEADLINE_EXCEEDED');
  });
});

it('a header that is too large breaks its call: the connection and its other calls may go on', async () => {
  const { transport } = await connectTo((stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'x-large': 'x'.repeat(100_000) });
  });
  expect(await endOf(transport)).toMatch(/^(?!CANCELLED).* unknown$/);
});

it('a connection that the server gives notice of takes no more calls: no handler ran for one that it had not seen', async () => {
  const { transport } = await connectTo((stream, session) => {
    if (stream.id !== 1) return;
    session.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
    setTimeout(() => answerWithStatus(stream, Status.NOT_FOUND, 'the last one'), 20);
  });
  const ends = await Promise.all([endOf(transport), endOf(transport)]);
  expect(ends).toContain('NOT_FOUND answered');
  for (const end of ends) if (!end.startsWith('NOT_FOUND')) expect(end).toMatch(/ never$/);
});

describe('a connection that does not come about', () => {
  it('is refused: the reason names the address', async () => {
    const server = await startRawServer(() => undefined);
    await server.close();
    const transport = transportTo(server.address);
    const error = await failure(transport.connect());
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, reach: 'unsent' });
    expect(error.message).toMatch(new RegExp(`${server.address}.*ECONNREFUSED|ECONNREFUSED.*${server.address}`));
    expect([transport.state, transport.lastError]).toEqual([
      'transient_failure',
      expect.stringContaining('ECONNREFUSED'),
    ]);
  });

  it('is retried at once when there is news of its endpoint, however long the backoff', async () => {
    const server = await startRawServer(() => undefined);
    closers.push(() => server.close());
    const mute = new Promise<never>(() => undefined);
    const lookup = jest.spyOn(dns, 'lookup').mockImplementationOnce(() => mute);
    closers.push(() => lookup.mockRestore());
    lookup.mockImplementation(async () => [{ address: '127.0.0.1', family: 4 }] as never);
    const clock = new ManualClock();
    const transport = transportTo(server.address.replace('127.0.0.1', 'news.test'), { clock });
    const attempt = failure(transport.connect());
    await clock.advance(1_000);
    expect(await attempt).toMatchObject({ message: expect.stringContaining('no connection within 1000 ms') });
    // The clock stands still: without news it would wait for ever.
    transport.resetBackoff?.();
    await until(() => transport.state === 'ready');
    transport.resetBackoff?.();
    expect(transport.state).toBe('ready');
  });

  it('ends with its caller, and is not retried once the transport is closed', async () => {
    const transport = transportTo('127.0.0.1:1');
    const caller = new AbortController();
    const call = transport.connect(caller.signal);
    caller.abort(new Error('left'));
    await expect(call).rejects.toThrow('left');
    transport.close();
    expect(await failure(transport.connect())).toMatchObject({ message: expect.stringContaining('was closed') });
  });
});
