import type { Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { firstOf, open } from '../../test/attacks/attempt.js';
import { BEGIN } from '../../test/attacks/frames.js';
import { createFolder, folderOf, mutualTlsIn, newAuthority } from '../../test/support/identities.js';
import { allowLongHandshakes } from '../../test/support/patient-handshakes.js';
import { conformanceService } from '../../test/support/service.js';
import { socketsOfATest } from '../../test/support/sockets.js';
import { deferred, HANG_MS, until } from '../../test/support/wait.js';
import { createRouter } from '../server/router.js';
import type { MutualTls } from '../tls/mutual-tls.js';
import { serve } from './serve.js';

let own: MutualTls;
let caller: MutualTls;
beforeAll(async () => {
  const authority = await newAuthority();
  own = mutualTlsIn(await folderOf(authority, 'sales'));
  caller = mutualTlsIn(await folderOf(authority, 'gateway'));
});

const { closers, connectTo } = socketsOfATest();
afterEach(() => {
  jest.restoreAllMocks();
});

/** The beginning of a TLS handshake: a record of 256 bytes that doesn't come to its end. */
const HALF_HELLO = Buffer.from([0x16, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3]);

const NO_BYTES = Buffer.alloc(0);

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
});
