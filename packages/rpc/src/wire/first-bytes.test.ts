import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { readFirstBytes, recognize } from './first-bytes.js';

describe('the first bytes of a connection', () => {
  it.each([
    ['', undefined],
    ['P', undefined],
    ['PR', undefined],
    ['PRI', 'http2'],
    ['PRI * HTTP/2.0\r\n', 'http2'],
    ['PROPFIND / HTTP/1.1', 'http1'],
    ['PO', 'http1'],
    ['GET', 'http1'],
    ['\x16', 'tls'],
    ['\x16\x03\x01', 'tls'],
    ['\x00', 'http1'],
  ])('%j', (bytes, spoken) => {
    expect(recognize(Buffer.from(bytes))).toBe(spoken);
  });
});

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Both ends of a connection. */
async function pair(): Promise<readonly [client: Socket, server: Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = await once(server, 'connection');
  closers.push(
    () => server.close(),
    () => client.destroy(),
    () => accepted.destroy(),
  );
  return [client, accepted];
}

describe('a connection', () => {
  it('is handed over with all of its bytes, however they come', async () => {
    const clock = new ManualClock();
    const [client, server] = await pair();
    const decided = new Promise((resolve) => readFirstBytes(server, { clock, timeoutMs: 100, decided: resolve }));
    client.setNoDelay();
    for (const byte of 'PRI * ') {
      client.write(byte);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await decided).toBe('http2');
    expect(clock.timers).toBe(0);
    client.end('HTTP/2.0');
    const received: Buffer[] = [];
    for await (const chunk of server) received.push(chunk);
    expect(Buffer.concat(received).toString()).toBe('PRI * HTTP/2.0');
  });
});
