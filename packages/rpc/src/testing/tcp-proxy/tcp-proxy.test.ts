import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../manual-clock.js';
import { startTcpProxy, type TcpProxy, type TcpProxyOptions } from './tcp-proxy.js';

let server: Server;
let accepted: Socket[];
const opened: Socket[] = [];
const proxies: TcpProxy[] = [];

/** An echo server. */
beforeEach(async () => {
  accepted = [];
  server = createServer({ noDelay: true }, (socket) => {
    accepted.push(socket);
    socket.on('error', () => undefined).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
  for (const socket of [...opened.splice(0), ...accepted]) socket.destroy();
  server.close();
});

async function proxyWith(options: Omit<TcpProxyOptions, 'target'> = {}): Promise<TcpProxy> {
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const proxy = await startTcpProxy({ target, ...options });
  proxies.push(proxy);
  return proxy;
}

async function call({ address }: TcpProxy): Promise<Socket> {
  const socket = connect({ port: Number(address.split(':')[1]), host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined);
  opened.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** Waits until the socket is closed, for any reason. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** Reads until `bytes` have arrived. */
async function receive(socket: Socket, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let received = 0;
  for await (const part of socket.iterator({ destroyOnReturn: false })) {
    parts.push(part);
    received += part.length;
    if (received >= bytes) break;
  }
  return Buffer.concat(parts);
}

async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  return (await receive(socket, text.length)).toString();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** Waits until `check` no longer throws. */
async function eventually(check: () => void): Promise<void> {
  const endsAt = performance.now() + 60_000;
  for (;;) {
    try {
      return check();
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** Whether `work` is still pending after a time in which it would normally be done. */
async function isPending(work: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  const later = new Promise((resolve) => setTimeout(resolve, 150, pending));
  return (await Promise.race([work, later])) === pending;
}

describe('a path', () => {
  it('forwards bytes in both directions until one end closes', async () => {
    const socket = await call(await proxyWith());
    expect(await echo(socket, 'hello')).toBe('hello');
    socket.end('bye');
    expect((await receive(socket, 3)).toString()).toBe('bye');
    await closed(socket.resume());
    expect(socket.errored).toBeNull();
  });

  it('takes its round-trip time', async () => {
    const socket = await call(await proxyWith({ roundTripMs: 200 }));
    expect(await timed(() => echo(socket, 'hello'))).toBeGreaterThanOrEqual(199);
  });

  it('delays bytes sent together by one round trip, not by one each', async () => {
    const clock = new ManualClock();
    const proxy = await proxyWith({ roundTripMs: 100, bytesPerSecond: 100_000_000, clock });
    const socket = await call(proxy);
    const bytes = Buffer.alloc(60_000, 7);
    socket.write(bytes);
    await eventually(() => expect(proxy.inTransitBytes).toBe(bytes.length));
    await clock.advance(51);
    await eventually(() => expect(accepted[0]?.bytesRead).toBe(bytes.length));
    await eventually(() => expect(proxy.inTransitBytes).toBe(bytes.length));
    const back = receive(socket, bytes.length);
    await clock.advance(51);
    expect(await back).toEqual(bytes);
  });

  it('keeps to its bandwidth, and spreads the bytes', async () => {
    const clock = new ManualClock();
    const proxy = await proxyWith({ bytesPerSecond: 125_000, clock });
    const socket = await call(proxy);
    const bytes = Buffer.alloc(62_500, 7);
    socket.write(bytes);
    await eventually(() => expect(proxy.inTransitBytes).toBe(bytes.length));
    for (const [ms, sum] of [
      [100, 12_500],
      [300, 50_000],
      [101, 62_500],
    ] as const) {
      await clock.advance(ms);
      // Only whole packets arrive: an incomplete one is still on its way.
      await eventually(() => expect(accepted[0]?.bytesRead).toBeGreaterThan(sum - 1_460));
      expect(accepted[0]?.bytesRead).toBeLessThanOrEqual(sum + 125);
    }
  });

  it("takes the time of a packet's own size, however small", async () => {
    const clock = new ManualClock();
    const proxy = await proxyWith({ bytesPerSecond: 1_000, clock });
    const socket = await call(proxy);
    socket.write('0123456789');
    await eventually(() => expect(proxy.inTransitBytes).toBe(10));
    await clock.advance(9);
    expect(proxy.inTransitBytes).toBe(10);
    await clock.advance(2);
    await eventually(() => expect(accepted[0]?.bytesRead).toBe(10));
  });

  it('holds a bounded amount for a slow receiver', async () => {
    const proxy = await proxyWith();
    const socket = await call(proxy);
    await echo(socket, 'hello');
    accepted[0]?.unpipe();
    accepted[0]?.pause();
    const megabyte = Buffer.alloc(1024 * 1024);
    for (let index = 0; index < 32; index += 1) socket.write(megabyte);
    await isPending(new Promise(() => undefined));
    expect(proxy.inTransitBytes).toBeLessThanOrEqual(256 * 1024);
    expect(socket.writableLength).toBeGreaterThan(0);
  });

  it('refuses an invalid target', async () => {
    await expect(startTcpProxy({ target: 'nowhere' })).rejects.toThrow(/^target: must be host:port/);
  });

  it('breaks the connection if the target refuses it', async () => {
    const proxy = await startTcpProxy({ target: '127.0.0.1:1' });
    proxies.push(proxy);
    const socket = await call(proxy);
    await closed(socket);
    expect(proxy.connections).toBe(0);
  });
});

describe('a fault', () => {
  it('breaks the connections, and allows new ones', async () => {
    const proxy = await proxyWith();
    const socket = await call(proxy);
    await echo(socket, 'hello');
    proxy.cut();
    await closed(socket);
    expect(socket.errored).toMatchObject({ code: 'ECONNRESET' });
    expect(await echo(await call(proxy), 'again')).toBe('again');
  });

  it('breaks connections again and again', async () => {
    const proxy = await proxyWith({ cutEveryMs: 50 });
    for (let index = 0; index < 3; index += 1) await closed(await call(proxy));
    expect(proxy.connections).toBe(0);
  });

  it('holds everything, then continues', async () => {
    const proxy = await proxyWith();
    const socket = await call(proxy);
    await echo(socket, 'hello');
    proxy.stall();
    const answer = echo(socket, 'anybody?');
    expect(await isPending(answer)).toBe(true);
    const late = await call(proxy);
    expect(await isPending(echo(late, 'late'))).toBe(true);
    proxy.resume();
    expect(await answer).toBe('anybody?');
  });

  it('stalls from the start, or after a while', async () => {
    const mute = await call(await proxyWith({ stallAfterMs: 0 }));
    expect(await isPending(echo(mute, 'hello'))).toBe(true);
    const later = await call(await proxyWith({ stallAfterMs: 20 }));
    await isPending(new Promise(() => undefined));
    expect(await isPending(echo(later, 'hello'))).toBe(true);
  });

  it("leaves a connection half open: the target's socket is closed, and the caller gets no error", async () => {
    const proxy = await proxyWith();
    const socket = await call(proxy);
    await echo(socket, 'hello');
    const gone = closed(accepted[0] ?? socket);
    proxy.abandon();
    await gone;
    expect(await isPending(echo(socket, 'anybody?'))).toBe(true);
    expect(socket.destroyed).toBe(false);
  });

  it('ends with its proxy, whatever is on its way', async () => {
    const proxy = await startTcpProxy({
      target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      roundTripMs: 60_000,
      cutEveryMs: 60_000,
      stallAfterMs: 60_000,
    });
    const sockets = [await call(proxy), await call(proxy)];
    for (const socket of sockets) socket.write('on its way');
    await proxy.close();
    await Promise.all(sockets.map(closed));
    expect(proxy.connections).toBe(0);
  });
});
