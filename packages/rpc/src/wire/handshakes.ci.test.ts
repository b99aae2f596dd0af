import { once } from 'node:events';
import http2 from 'node:http2';
import { connect as connectNet, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { firstOf, open } from '../../test/attacks/attempt.js';
import { BEGIN } from '../../test/attacks/frames.js';
import { certify, createFolder, mutualTlsIn, newAuthority } from '../../test/support/identities.js';
import { allowLongHandshakes } from '../../test/support/patient-handshakes.js';
import { conformanceService } from '../../test/support/service.js';
import { socketsOfATest } from '../../test/support/sockets.js';
import { deferred, HANG_MS, until } from '../../test/support/wait.js';
import { createRouter } from '../server/router.js';
import type { MutualTls } from '../tls/mutual-tls.js';
import { Handshakes } from './handshakes.js';
import { serve } from './serve.js';

let own: MutualTls;
let caller: MutualTls;
/** The caller's, for connections that Rondo doesn't make. */
let certificate: ConnectionOptions;
beforeAll(async () => {
  const authority = await newAuthority();
  const identityOf = async (name: string) => {
    const folder = createFolder();
    const pair = await certify(authority, name);
    folder.write({ ...pair, ca: authority.cert });
    certificate = { ...pair, ca: authority.cert, servername: 'localhost', ALPNProtocols: ['h2'] };
    return mutualTlsIn(folder);
  };
  own = await identityOf('sales');
  caller = await identityOf('gateway');
});

const { closers, connectTo } = socketsOfATest();
afterEach(() => {
  jest.restoreAllMocks();
});

/** The beginning of a TLS handshake: a record of 256 bytes that doesn't come to its end. */
const HALF_HELLO = Buffer.from([0x16, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3]);

const NO_BYTES = Buffer.alloc(0);

/** A client of HTTP/2 whose handshake stops after its first part until `goOn`. */
async function handshakeInTwo(port: number) {
  const target = await open({ port });
  const goOn = deferred();
  let first = true;
  const held = new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, taken) {
      const send = () => target.write(bytes, taken);
      if (first) send();
      else void goOn.promise.then(send);
      first = false;
    },
    destroy(_error, destroyed) {
      target.destroy();
      destroyed(null);
    },
  });
  target.on('data', (bytes) => held.push(bytes)).on('close', () => held.destroy());
  const secured = connectTls({ ...certificate, socket: held });
  secured.on('error', () => secured.destroy());
  const session = http2.connect('https://localhost', { createConnection: () => secured });
  session.on('error', () => session.destroy());
  closers.push(() => session.destroy());
  await once(target, 'data');
  return { late: target, goOn: () => goOn.resolve() };
}

/** A server, and how a client of it connects. `unaryUnsafe` is answered when `finish` is called. */
async function start({ clock, ...options }: Partial<Parameters<typeof serve>[1]> = {}) {
  const begun = deferred();
  const finish = deferred();
  const unaryUnsafe = async () => {
    begun.resolve();
    await finish.promise;
    return {};
  };
  const unary = ({ text }: { readonly text: string }) => ({ text });
  const service = conformanceService({ unary, unaryUnsafe });
  const router = createRouter({ services: [service], ...(clock && { clock }) });
  const server = await serve(router, { listen: '127.0.0.1:0', ...(clock && { clock }), ...options });
  closers.push(() => server.drain(0));
  const newClient = () => {
    // A busy machine needs longer than the usual second.
    const patient = { mutualTls: caller, connectTimeoutMs: HANG_MS };
    return connectTo([server.address], { ...patient }).client;
  };
  return { server, newClient, begun: begun.promise, finish: () => finish.resolve() };
}

/** Connections that have sent `bytes`. */
async function connect(port: number, count: number, bytes: Buffer): Promise<Socket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open({ port })));
  closers.push(() => sockets.map((socket) => socket.destroy()));
  for (const socket of sockets) socket.resume().write(bytes);
  return sockets;
}

const closed = (sockets: readonly Socket[]) => Promise.all(sockets.map((socket) => firstOf(socket, ['close'])));
const openOf = (sockets: readonly Socket[]) => sockets.filter(({ destroyed }) => !destroyed).length;

describe.each(['on', 'permissive'] as const)('with TLS %s, a server', (mode) => {
  const started = (clock?: ManualClock, listen = '127.0.0.1:0') =>
    start({ listen, mutualTls: { ...own, mode }, ...(clock && { clock }) });

  it('gives a client 10 s for its first byte, once', async () => {
    const clock = new ManualClock();
    const { server } = await started(clock);
    const [silent, begun] = [await connect(server.port, 1, NO_BYTES), await connect(server.port, 1, NO_BYTES)];
    await until(() => clock.timers === 2);
    begun[0]?.write(HALF_HELLO);
    // The rest of a handshake is bounded by Node.
    await until(() => clock.timers === 1);
    await clock.advance(9_999);
    expect(openOf(silent)).toBe(1);
    await clock.advance(1);
    await closed(silent);
    expect({ silent: openOf(silent), begun: openOf(begun) }).toEqual({ silent: 0, begun: 1 });
  });

  it('begins one handshake in a round of the event loop', async () => {
    const clock = new ManualClock();
    let thisRound = 0;
    const rounds: number[] = [];
    const note = () => {
      rounds.push(thisRound);
      thisRound = 0;
    };
    allowLongHandshakes(() => {
      if (thisRound === 0) setImmediate(note);
      thisRound += 1;
    });
    const { server } = await started(clock);
    const sockets = await connect(server.port, 100, NO_BYTES);
    await until(() => clock.timers === 100);
    for (const socket of sockets) socket.write(HALF_HELLO);
    await until(() => rounds.reduce((sum, begun) => sum + begun, 0) === 100);
    expect(Math.max(...rounds)).toBe(1);
  });

  it('serves clients over a socket of the file system', async () => {
    const folder = createFolder();
    const { newClient } = await started(undefined, `unix:${folder.path}/socket`);
    expect((await newClient().unary({ text: 'served' })).text).toBe('served');
  });

  it('lets go of a client that ends its side without a byte', async () => {
    const clock = new ManualClock();
    const { server } = await started(clock);
    const [socket] = await connect(server.port, 1, NO_BYTES);
    socket?.end();
    await closed([socket as Socket]);
    await until(() => clock.timers === 0);
  });

  it('survives clients that reset their connections while they wait, and serves another', async () => {
    const { server, newClient, finish } = await started();
    for (const bytes of [NO_BYTES, HALF_HELLO.subarray(0, 1), HALF_HELLO, BEGIN]) {
      const sockets = await connect(server.port, 100, bytes);
      for (const socket of sockets) socket.resetAndDestroy();
    }
    finish();
    await newClient().unaryUnsafe({}, { timeoutMs: HANG_MS });
  });

  it('closes connections over which nothing has begun when it drains, and at the end those amid a handshake', async () => {
    let handshakes = 0;
    allowLongHandshakes(() => {
      handshakes += 1;
    });
    const { server, newClient, begun, finish } = await started();
    const call = newClient().unaryUnsafe({});
    await begun;
    const silent = await connect(server.port, 3, NO_BYTES);
    const stalled = await connect(server.port, 3, HALF_HELLO);
    // The client's own is one.
    await until(() => handshakes === 4);
    const drained = server.drain(60_000);
    await closed(silent);
    expect({ silent: openOf(silent), stalled: openOf(stalled) }).toEqual({ silent: 0, stalled: 3 });
    finish();
    await call;
    await drained;
    await closed(stalled);
    expect(openOf(stalled)).toBe(0);
  });

  it('ends a connection whose handshake ends in a drain', async () => {
    const { server, newClient, begun, finish } = await started();
    const client = newClient();
    const call = client.unaryUnsafe({});
    await begun;
    const { late, goOn } = await handshakeInTwo(server.port);
    const drained = server.drain(60_000);
    goOn();
    await firstOf(late, ['close']);
    expect(late.destroyed).toBe(true);
    finish();
    await call;
    await drained;
  });
});

it('knows which handshakes are unfinished of connections without addresses, and whose have failed', async () => {
  const { path } = createFolder();
  const secured: TLSSocket[] = [];
  const failed: unknown[] = [];
  const accepted: Socket[] = [];
  const handshakes = new Handshakes({
    options: { ALPNProtocols: ['h2'] },
    secured: (socket) => secured.push(socket),
    failed: (_fault, socket) => failed.push(socket),
  });
  handshakes.use(own.identity.current);
  const server = createServer((socket) => {
    accepted.push(socket);
    handshakes.accept(socket);
  });
  server.listen(`${path}/socket`);
  closers.push(() => server.close());
  await once(server, 'listening');
  const connected = () => {
    const socket = connectNet(`${path}/socket`).on('error', () => undefined);
    closers.push(() => socket.destroy());
    return socket.resume();
  };
  const [first, second] = [connected(), connected()];
  for (const socket of [first, second]) socket.write(HALF_HELLO);
  await until(() => accepted.length === 2);
  const whole = connectTls({ ...certificate, socket: connected(), rejectUnauthorized: false });
  await once(whole, 'secureConnect');
  await until(() => secured.length === 1);
  const broken = connected();
  broken.write(Buffer.alloc(100));
  await until(() => failed.length === 1);
  expect(failed[0]).toBe(accepted[3]);
  handshakes.closeUnfinished();
  await closed([first, second]);
  expect({ closed: [first.destroyed, second.destroyed], whole: whole.destroyed }).toEqual({
    closed: [true, true],
    whole: false,
  });
  whole.destroy();
});
