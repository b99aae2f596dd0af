/** Short messages of a stream are sent ahead of the connection, many in one frame: see ADR 0038. */
import { once } from 'node:events';
import http2 from 'node:http2';
import { describe, expect, it } from '@jest/globals';
import { peerTransport } from '../src/transport/peer-connection.js';
import { socketsOfATest } from './support/sockets.js';

const { closers, connectTo, startServer } = socketsOfATest();

const COUNT = 1_000;
const indexes = Array.from({ length: COUNT }, (_, index) => index);

function connect(address: string, compression?: 'gzip') {
  const transport = (to: string) => peerTransport(to, { compression });
  return connectTo([address], { transport }).client;
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

describe('the replies of a stream', () => {
  it('arrive many in a frame, in order', async () => {
    const { address } = await startServer({
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
});

describe('the requests of a stream', () => {
  it.each([undefined, 'gzip'] as const)('arrive whole and in order with compression %s', async (compression) => {
    const { address } = await startServer();
    const mixed = indexes.map((index) => (index % 300 === 299 ? `${index}`.repeat(1_000) : `request ${index}`));
    expect(await connect(address, compression).clientStream(texts(mixed))).toEqual({ texts: mixed });
  });
});

async function* texts(all: readonly string[]) {
  for (const text of all) yield { text };
}
