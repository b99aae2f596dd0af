/** Short messages of a stream are sent ahead of the connection, many in one frame: see ADR 0038. */
import { once } from 'node:events';
import http2 from 'node:http2';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { systemClock } from '../src/exports/clock.js';
import { createRouter, type Handlers, serve } from '../src/exports/server.js';
import { RpcError, Status } from '../src/exports/status.js';
import { callLog } from '../src/telemetry/call-log.js';
import { grpcTransport } from '../src/transport/grpc/transport.js';
import type { ServedDefinition } from './conformance/handlers.js';
import { startRawServer } from './support/http2-server.js';
import { failure } from './support/outcome.js';
import { recordingLogger } from './support/recording-logger.js';
import { conformanceService } from './support/service.js';
import { atRest, until } from './support/wait.js';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const COUNT = 1_000;
const indexes = Array.from({ length: COUNT }, (_, index) => index);

async function start(handlers: Partial<Handlers<ServedDefinition>> = {}) {
  const { logger, lines } = recordingLogger();
  const middleware = [callLog({ clock: systemClock })];
  const router = createRouter({ services: [conformanceService(handlers)], middleware, logger });
  const server = await serve(router, { listen: '127.0.0.1:0' });
  closers.push(() => server.drain(0));
  return { address: server.address, lines };
}

function connect(address: string, compression?: 'gzip') {
  const transport = (to: string) => grpcTransport(to, { compression });
  const channel = createChannel({ resolver: staticResolver([address]), transport });
  closers.push(() => channel.close());
  return createClient(ConformanceServiceDefinition, { channel });
}

/** Calls `ServerStream` over HTTP/2, with a window of so many bytes. */
function callRaw(address: string, windowBytes: number): http2.ClientHttp2Stream {
  const session = http2.connect(`http://${address}`, { settings: { initialWindowSize: windowBytes } });
  closers.push(() => session.destroy());
  const headers = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request({ ...headers, ':path': '/rondo.conformance.v1.ConformanceService/ServerStream' });
  stream.on('error', () => undefined);
  stream.end(Buffer.alloc(5));
  return stream;
}

/** Counts what a handler does that never stops sending. */
function producer(payload: Buffer) {
  const seen = { produced: 0, ended: 0 };
  const serverStream = async function* () {
    try {
      for (;;) {
        seen.produced += 1;
        yield { index: 1, payload };
      }
    } finally {
      seen.ended += 1;
    }
  };
  return { seen, serverStream };
}

describe('the replies of a stream', () => {
  it('arrive many in a frame, in order', async () => {
    const { address } = await start({
      async *serverStream() {
        for (const index of indexes) yield { index };
      },
    });
    const stream = callRaw(address, 64 * 1024);
    let frames = 0;
    stream.on('data', () => {
      frames += 1;
    });
    await once(stream, 'end');
    expect(frames).toBeLessThan(COUNT / 10);
    const seen: number[] = [];
    for await (const { index } of connect(address).serverStream({})) seen.push(index);
    expect(seen).toEqual(indexes);
  });

  it('arrive all, and before the status, if the handler fails after them', async () => {
    const { address, lines } = await start({
      async *serverStream() {
        for (const index of indexes) yield { index };
        throw new RpcError(Status.ABORTED, 'enough');
      },
    });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { index } of connect(address).serverStream({})) seen.push(index);
    })();
    expect(await failure(reading)).toMatchObject({ code: Status.ABORTED, message: 'enough' });
    expect(seen).toEqual(indexes);
    expect(lines).toMatchObject([{ fields: { code: 'ABORTED' }, message: 'call refused' }]);
  });

  it.each([
    ['tiny', 0, 300],
    ['of 4,000 bytes', 4_000, 15],
    ['of 1 MiB', 1024 * 1024, 3],
  ])('that are %s wait for a reader that stalls, and their handler ends when it leaves', async (_name, bytes, most) => {
    const { seen, serverStream } = producer(Buffer.alloc(bytes));
    const { address, lines } = await start({ serverStream });
    const stream = callRaw(address, 10);
    await until(() => seen.produced > 0);
    const produced = await atRest(() => seen.produced);
    expect(produced).toBeLessThan(most);
    expect(seen.ended).toBe(0);
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await until(() => seen.ended === 1 && lines.length === 1);
    expect(seen.produced).toBeLessThanOrEqual(produced + 1);
    expect(lines).toMatchObject([{ level: 'debug', fields: { code: 'CANCELLED' }, message: 'call cancelled' }]);
  });
});

describe('the requests of a stream', () => {
  it('leave many in a frame', async () => {
    let frames = 0;
    const server = await startRawServer((stream) => {
      stream.on('data', () => {
        frames += 1;
      });
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.alloc(5));
      });
    });
    closers.push(() => server.close());
    await connect(server.address).clientStream(texts(indexes.map(String)));
    expect(frames).toBeLessThan(COUNT / 10);
  });

  it.each([undefined, 'gzip'] as const)('arrive whole and in order with compression %s', async (compression) => {
    const { address } = await start();
    const mixed = indexes.map((index) => (index % 300 === 299 ? `${index}`.repeat(1_000) : `request ${index}`));
    expect(await connect(address, compression).clientStream(texts(mixed))).toEqual({ texts: mixed });
  });
});

async function* texts(all: readonly string[]) {
  for (const text of all) yield { text };
}
