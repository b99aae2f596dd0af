/** How grpc-js reports failures of connections, and what they mean: the facts that wire.ts relies on. */

import { spawn } from 'node:child_process';
import { promises as dns } from 'node:dns';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  answerPartly,
  answerThenFail,
  answerWithStatus,
  type OnStream,
  startRawServer,
} from '../../../test/support/http2-server.js';
import { failure } from '../../../test/support/outcome.js';
import { collect, streamOf } from '../../../test/support/stream.js';
import { until } from '../../../test/support/wait.js';
import { wireCall } from '../../../test/support/wire-call.js';
import { Status } from '../../status/code.js';
import type { RpcError } from '../../status/rpc-error.js';
import { TransportError } from '../../status/wire-errors.js';
import { ManualClock } from '../../testing/manual-clock.js';
import type { Transport, WireCall } from '../transport.js';
import { grpcTransport } from './transport.js';

const STREAM: Partial<WireCall> = { responseStream: true };
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function connectTo(onStream: OnStream) {
  const server = await startRawServer(onStream);
  closers.push(() => server.close());
  const transport = await connected(server.address);
  return { server, transport };
}

async function connected(address: string): Promise<Transport> {
  // A busy machine may take longer than the default.
  const transport = grpcTransport(address, { connectTimeoutMs: 30_000 });
  closers.push(() => transport.close());
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

function reachOf(error: RpcError) {
  return error instanceof TransportError ? error.reach : 'answered';
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
    for (const wire of [{}, STREAM]) {
      const error = await failureOf(transport, wire);
      expect(error.code).toBe(Status.UNAVAILABLE);
      expect(reachOf(error)).toBe('answered');
    }
  });

  it('is recognised after a header and a message, too', async () => {
    const { transport } = await connectTo((stream) => answerThenFail(stream, Status.UNAVAILABLE, 'Connection dropped'));
    for (const wire of [{}, STREAM]) {
      const error = await failureOf(transport, wire);
      expect(error).toMatchObject({ code: Status.UNAVAILABLE, message: 'Connection dropped' });
      expect(reachOf(error)).toBe('answered');
    }
  });
});

describe('an answer that breaks the rules of gRPC', () => {
  const header = { ':status': 200, 'content-type': 'application/grpc+proto' };
  const message = (flag: number) => Buffer.from([flag, 0, 0, 0, 1, 8]);
  const answer = (messages: readonly Buffer[], extra: Readonly<Record<string, string>> = {}): OnStream => {
    return (stream) => {
      stream.respond({ ...header, ...extra }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.concat(messages));
    };
  };
  const UPLOAD: Partial<WireCall> = { request: { stream: true, messages: streamOf() } };

  it.each([
    ['an unknown compression', { 'grpc-encoding': 'zstd' }],
    ['a compression that is none', { 'grpc-encoding': 'identity' }],
    ['a compression without a name', {}],
  ])('by %s: the call fails, and the process goes on', async (_name, encoding) => {
    const { transport } = await connectTo(answer([message(1)], encoding));
    for (const wire of [{}, STREAM]) {
      const error = await failureOf(transport, wire);
      expect(error).toMatchObject({ code: Status.INTERNAL, message: expect.stringContaining('compressed') });
      expect(reachOf(error)).toBe('answered');
    }
  });

  it.each([
    ['no reply', []],
    ['a second reply', [message(0), message(0)]],
  ])('by %s to a method that has one: UNIMPLEMENTED', async (_name, messages) => {
    const { transport } = await connectTo(answer(messages));
    for (const wire of [{}, UPLOAD]) {
      expect(await failureOf(transport, wire)).toMatchObject({ code: Status.UNIMPLEMENTED });
    }
  });
});

describe('an answer of HTTP alone', () => {
  it.each([
    [404, Status.UNIMPLEMENTED, 'never'],
    [503, Status.UNAVAILABLE, 'unknown'],
  ])('%i without content type and body: the peer is no gRPC server', async (http, code, reach) => {
    const bare = { endStream: true, sendDate: false };
    const { transport } = await connectTo((stream) => stream.respond({ ':status': http }, bare));
    for (const wire of [{}, STREAM]) {
      expect(await failureOf(transport, wire)).toMatchObject({ code, reach, foreign: true });
    }
  });
});

describe('a connection that breaks while a call is in flight', () => {
  it.each([
    ['before anything came', 0, {}],
    ['before anything came of a stream', 0, STREAM],
    ['amid a stream', 2, STREAM],
    ['after a reply without its status', 1, {}],
  ])('%s: UNAVAILABLE, and how far the call got is unknown', async (_name, messages, wire) => {
    const { server, transport } = await connectTo((stream) => {
      if (messages > 0) answerPartly(stream, messages);
      setTimeout(() => server.kill(), 20);
    });
    const error = await failureOf(transport, wire);
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, message: expect.stringContaining('the connection broke') });
    expect(reachOf(error)).toBe('unknown');
  });

  it('while the server pushes a stream: the same, and the process lives', async () => {
    const { server, transport } = await connectTo((stream) => {
      stream.pushStream({ ':path': '/pushed' }, (error, pushed) => {
        if (error !== null) throw error;
        pushed.on('error', () => undefined);
        setTimeout(() => server.kill(), 20);
      });
    });
    expect(await failureOf(transport)).toMatchObject({ code: Status.UNAVAILABLE });
  });

  it('by kill -9 of the server: the same', async () => {
    const code = `
      const server = require('node:http2').createServer();
      server.on('stream', () => process.stdout.write('call\\n'));
      server.listen(0, '127.0.0.1', () => process.stdout.write(server.address().port + '\\n'));`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    closers.push(() => child.kill('SIGKILL'));
    const [port] = await once(child.stdout, 'data');
    const transport = await connected(`127.0.0.1:${String(port).trim()}`);
    const call = failureOf(transport);
    await once(child.stdout, 'data');
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    const error = await call;
    expect(error.code).toBe(Status.UNAVAILABLE);
    expect(reachOf(error)).toBe('unknown');
    await exited;
  });
});

describe('a stream that the server resets', () => {
  it('with REFUSED_STREAM: no handler has seen it', async () => {
    const { transport } = await connectTo((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    const error = await failureOf(transport);
    expect(error.code).toBe(Status.UNAVAILABLE);
    expect(reachOf(error)).toBe('never');
  });

  it.each([
    ['NO_ERROR', constants.NGHTTP2_NO_ERROR, 'INTERNAL'],
    ['CANCEL', constants.NGHTTP2_CANCEL, 'CANCELLED'],
    ['INTERNAL_ERROR', constants.NGHTTP2_INTERNAL_ERROR, 'INTERNAL'],
    ['ENHANCE_YOUR_CALM', constants.NGHTTP2_ENHANCE_YOUR_CALM, 'RESOURCE_EXHAUSTED'],
    ['PROTOCOL_ERROR', constants.NGHTTP2_PROTOCOL_ERROR, 'INTERNAL'],
  ])("with %s: has the code of gRPC's table, and how far the call got is unknown", async (_name, code, codeName) => {
    const { transport } = await connectTo((stream) => stream.close(code));
    const error = await failureOf(transport);
    expect(error.message).toContain('broke off the call');
    expect(error.codeName).toBe(codeName);
    expect(reachOf(error)).toBe('unknown');
  });

  it('with CANCEL at the deadline: DEADLINE_EXCEEDED', async () => {
    const { transport } = await connectTo((stream) => stream.close(constants.NGHTTP2_CANCEL));
    const error = await failureOf(transport, { deadline: 0 });
    expect(error.codeName).toBe('DEADLINE_EXCEEDED');
  });
});

describe('a connection that the server ends with an error', () => {
  it.each([
    ['INTERNAL_ERROR', constants.NGHTTP2_INTERNAL_ERROR],
    ['PROTOCOL_ERROR', constants.NGHTTP2_PROTOCOL_ERROR],
    ['ENHANCE_YOUR_CALM', constants.NGHTTP2_ENHANCE_YOUR_CALM],
  ])('GOAWAY with %s: how far its calls got is unknown', async (_name, code) => {
    const { transport } = await connectTo((stream, session) => {
      session.goaway(code, stream.id);
      setTimeout(() => session.destroy(), 20);
    });
    for (const wire of [{}, STREAM]) {
      const error = await failureOf(transport, wire);
      expect(error.code).toBe(Status.UNAVAILABLE);
      expect(reachOf(error)).toBe('unknown');
      await until(() => transport.state === 'ready');
    }
  });

  it.each([
    ['bytes that are no HTTP/2', Buffer.from('HTTP/1.1 408 Request Timeout\r\n\r\n')],
    ['a frame that no frame may be', Buffer.from([0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00])],
    ['headers that cannot be read', Buffer.from([0x00, 0x00, 0x02, 0x01, 0x05, 0x00, 0x00, 0x00, 0x01, 0xff, 0xff])],
  ])(
    'by %s: the same, although Node 20 stops reading then, so that only keepalive detects it',
    async (_name, bytes) => {
      const server = await startRawServer(() => server.write(bytes));
      closers.push(() => server.close());
      const transport = grpcTransport(server.address, { minPingIntervalMs: 1_000 });
      closers.push(() => transport.close());
      await transport.connect();
      const error = await failureOf(transport);
      expect(error.code).toBe(Status.UNAVAILABLE);
      expect(reachOf(error)).toBe('unknown');
    },
  );

  it('by the end of its socket: the same', async () => {
    const { transport, server } = await connectTo(() => setTimeout(() => server.end(), 20));
    const error = await failureOf(transport);
    expect(error.code).toBe(Status.UNAVAILABLE);
    expect(reachOf(error)).toBe('unknown');
  });
});

describe('a header that is too large', () => {
  it('breaks its call: the connection and its other calls may go on', async () => {
    const { transport } = await connectTo((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'x-large': 'x'.repeat(100_000) });
    });
    const error = await failureOf(transport);
    expect(error).toBeInstanceOf(TransportError);
    expect(error.code).not.toBe(Status.CANCELLED);
    expect(reachOf(error)).toBe('unknown');
  });
});

describe('a connection that the server gives notice of', () => {
  it('takes no more calls: no handler ran for a call that the server had not seen', async () => {
    const { transport } = await connectTo((stream, session) => {
      if (stream.id !== 1) return;
      session.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
      setTimeout(() => answerWithStatus(stream, Status.NOT_FOUND, 'the last one'), 20);
    });
    const [first, second] = await Promise.all([failureOf(transport), failureOf(transport)]);
    expect([first.code, second.code]).toContain(Status.NOT_FOUND);
    for (const error of [first, second]) {
      if (error.code !== Status.NOT_FOUND) expect(reachOf(error)).toBe('never');
    }
  });
});

describe('a connection that does not come about', () => {
  it('is refused: the reason names the address', async () => {
    const server = await startRawServer(() => undefined);
    await server.close();
    const transport = grpcTransport(server.address);
    closers.push(() => transport.close());
    const error = await failure(transport.connect());
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, message: expect.stringContaining('ECONNREFUSED') });
    expect(error.message).toContain(server.address);
    expect(reachOf(error)).toBe('unsent');
    expect(transport.state).toBe('transient_failure');
    expect(transport.lastError).toContain('ECONNREFUSED');
  });

  it('is given up if the peer accepts and sends nothing', async () => {
    const silent = createServer((socket) => closers.push(() => socket.destroy()));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closers.push(() => silent.close());
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const clock = new ManualClock();
    const transport = grpcTransport(`127.0.0.1:${port}`, { clock });
    closers.push(() => transport.close());
    const call = failure(transport.connect());
    await clock.advance(1_000);
    expect(await call).toMatchObject({ message: expect.stringContaining('no connection within 1000 ms') });
    expect(reachOf(await call)).toBe('unsent');
  });

  it('is retried soon with a new lookup if no address of its name answers', async () => {
    const server = await startRawServer(() => undefined);
    closers.push(() => server.close());
    const addresses = ['127.0.0.2', '127.0.0.2', '127.0.0.1'];
    const lookup = jest.spyOn(dns, 'lookup').mockImplementation(async () => {
      return [{ address: addresses.shift() ?? '127.0.0.1', family: 4 }] as never;
    });
    closers.push(() => lookup.mockRestore());
    const transport = grpcTransport(server.address.replace('127.0.0.1', 'moved.test'));
    closers.push(() => transport.close());
    await failure(transport.connect());
    await until(() => transport.state === 'ready');
  });

  it('is retried at once when there is news of its endpoint, however long the backoff', async () => {
    const server = await startRawServer(() => undefined);
    closers.push(() => server.close());
    const mute = new Promise<never>(() => undefined);
    const lookup = jest.spyOn(dns, 'lookup').mockImplementationOnce(() => mute);
    closers.push(() => lookup.mockRestore());
    lookup.mockImplementation(async () => [{ address: '127.0.0.1', family: 4 }] as never);
    const clock = new ManualClock();
    const transport = grpcTransport(server.address.replace('127.0.0.1', 'news.test'), { clock });
    closers.push(() => transport.close());
    const attempt = failure(transport.connect());
    await clock.advance(1_000);
    await attempt;
    // The clock stands still: without news it would wait for ever.
    transport.resetBackoff?.();
    await until(() => transport.state === 'ready');
    transport.resetBackoff?.();
    expect(transport.state).toBe('ready');
  });

  it('ends with its caller', async () => {
    const transport = grpcTransport('127.0.0.1:1');
    closers.push(() => transport.close());
    const caller = new AbortController();
    const call = transport.connect(caller.signal);
    caller.abort(new Error('left'));
    await expect(call).rejects.toThrow('left');
  });

  it('is not retried once the transport is closed', async () => {
    const transport = grpcTransport('127.0.0.1:1');
    transport.close();
    expect(await failure(transport.connect())).toMatchObject({ message: expect.stringContaining('was closed') });
  });
});
