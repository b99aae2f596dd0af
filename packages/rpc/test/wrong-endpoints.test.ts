/** An endpoint registered by mistake: whatever answers there, no safe call fails while other instances are fine. */

import tls from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import { createRouter, serve } from '../src/exports/server.js';
import { Status } from '../src/exports/status.js';
import { briefServer, type ForeignServer, http1Server, pageServer, socketServer } from './support/foreign-servers.js';
import { failure } from './support/outcome.js';
import { socketsOfATest } from './support/sockets.js';
import { collect } from './support/stream.js';
import { until } from './support/wait.js';

const { closers, connectTo, startServer } = socketsOfATest();

/** The address of a server of the service; `counts` has the number of calls that each served. */
async function right(counts?: number[]): Promise<string> {
  const index = counts?.push(0) ?? 0;
  const unary = () => {
    if (counts !== undefined) counts[index - 1] = (counts[index - 1] ?? 0) + 1;
    return { text: 'answered' };
  };
  const server = await startServer({ unary });
  return server.address;
}

async function otherService(): Promise<ForeignServer> {
  const server = await serve(createRouter({ services: [] }), { listen: '127.0.0.1:0' });
  return { address: server.address, connections: () => 0, open: () => 0, close: () => server.drain(0) };
}

const kinds: readonly [string, () => Promise<ForeignServer>][] = [
  ['a gRPC server of another service', otherService],
  ['an HTTP/2 server that knows no such path', () => pageServer(404, '<html>no such page</html>')],
  ['an HTTP/2 server that knows no such path and has no page for it', () => pageServer(404, '')],
  ['an HTTP/2 server that has a page for every path', () => pageServer(200, '<html>welcome</html>')],
  ['an HTTP/2 server with a page of three letters', () => pageServer(200, 'hey')],
  ['a proxy that finds no backend', () => pageServer(503, 'no healthy upstream')],
  ['an HTTP/2 server that ends each connection at once', briefServer],
  ['an HTTP/1 server', http1Server],
  ['a server that closes at once', () => socketServer((socket) => socket.destroy())],
  ['a server that speaks first, and something else', () => socketServer((socket) => socket.end('220 ready\r\n'))],
  ['a TLS server', () => socketServer((socket) => new tls.TLSSocket(socket, { isServer: true }).on('error', () => 0))],
  ['a server that accepts and never speaks', () => socketServer(() => undefined)],
];

describe.each(kinds)('%s among the instances of a service', (_name, start) => {
  it('fails no safe call, unary or stream', async () => {
    const wrong = await start();
    closers.push(() => wrong.close());
    const { client, channel } = connectTo([wrong.address, await right(), await right()]);
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => client.unary({})));
    expect(outcomes).toHaveLength(12);
    for (let index = 0; index < 6; index += 1) {
      expect(await client.unary({})).toMatchObject({ text: 'answered' });
      expect(await collect(client.serverStream({ count: 2 }))).toHaveLength(2);
    }
    const view = channel.inspect()[0]?.endpoints[0];
    expect(view).toMatchObject({ address: wrong.address, held: expect.any(String) });
  });
});

describe('an instance that refuses', () => {
  it('is set aside after one call, and the others share all of them', async () => {
    const wrong = await otherService();
    closers.push(() => wrong.close());
    const counts: number[] = [];
    const { client, channel } = connectTo([wrong.address, await right(counts), await right(counts)]);
    await client.unary({});
    await until(() => channel.inspect()[0]?.endpoints.every(({ state }) => state === 'ready') ?? false);
    for (let index = 0; index < 99; index += 1) await client.unary({});
    expect(counts).toHaveLength(2);
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(100);
    // Round robin, except for the first few calls. If the bad instance were still called, its neighbour would get two thirds.
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(45);
    const text = "set aside: answers UNIMPLEMENTED: this server doesn't implement";
    expect(channel.inspect()[0]?.endpoints[0]?.held).toContain(text);
  });

  it.each([
    ['a gRPC server', otherService],
    ['an HTTP server', () => pageServer(404, '<html>')],
  ])('fails no unsafe call either, if no handler can have seen it: %s', async (_name, start) => {
    const wrong = await start();
    closers.push(() => wrong.close());
    const { client } = connectTo([wrong.address, await right(), await right()]);
    expect(await Promise.all(Array.from({ length: 9 }, () => client.unaryUnsafe({})))).toHaveLength(9);
  });

  it('is named in the error if it is no gRPC server at all', async () => {
    const wrong = await pageServer(404, '<html>');
    closers.push(() => wrong.close());
    const { client } = connectTo([wrong.address]);
    const message = expect.stringContaining('the peer there is no gRPC server: text/html (Received HTTP status');
    expect(await failure(client.unary({}))).toMatchObject({ code: Status.UNIMPLEMENTED, message });
  });
});
