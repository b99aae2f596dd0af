/** A client that isn't a process of the system is refused with one line in the log, and no call of another fails. */
import { once } from 'node:events';
import { type AddressInfo, connect, type Server } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { createRouter, type RpcServer, serve } from '../src/exports/server.js';
import { ManualClock } from '../src/exports/testing.js';
import type { MutualTls } from '../src/tls/mutual-tls.js';
import { firstOf, open } from './attacks/attempt.js';
import { during } from './attacks/bystander.js';
import { type Authorities, attempt, handshakes } from './attacks/handshakes.js';
import { closersOfATest } from './support/closers.js';
import { certify, createFolder, mutualTlsIn, newAuthority } from './support/identities.js';
import { allowLongHandshakes } from './support/patient-handshakes.js';
import { type Line, recordingLogger, warningsIn } from './support/recording-logger.js';
import { type ConformanceClient, conformanceService } from './support/service.js';
import { until } from './support/wait.js';

let authorities: Authorities;
let sales: MutualTls;
let gateway: MutualTls;
const calls: string[] = [];
beforeAll(async () => {
  const [own, stranger, foreigner] = await Promise.all([newAuthority(), newAuthority(), newAuthority('other.test')]);
  authorities = { own, stranger, foreigner };
  [sales, gateway] = await Promise.all([newIdentity('sales'), newIdentity('gateway')]);
});
const closers = closersOfATest();
afterEach(() => {
  jest.restoreAllMocks();
});

async function newIdentity(name: string): Promise<MutualTls> {
  const folder = createFolder();
  const { own, foreigner } = authorities;
  folder.write({ ...(await certify(own, name)), ca: `${own.cert}\n${foreigner.cert}` });
  return mutualTlsIn(folder);
}

const service = conformanceService({
  unary: ({ text }) => {
    calls.push(text);
    return { text };
  },
  async *bidiStream(requests) {
    for await (const { text } of requests) yield { text };
  },
});

/** A server with TLS whose log is `lines`, and an innocent client of it. */
interface Setup {
  readonly server: RpcServer;
  readonly client: ConformanceClient;
  readonly lines: () => readonly string[];
  readonly all: () => readonly Line[];
}

type Limits = Pick<Parameters<typeof serve>[1], 'maxConnectionsPerAddress' | 'clock'>;

async function start(differs: Partial<MutualTls> = {}, limits: Limits = {}): Promise<Setup> {
  const { logger, lines } = recordingLogger();
  const router = createRouter({ services: [service], logger, ...(limits.clock && { clock: limits.clock }) });
  const server = await serve(router, {
    listen: '127.0.0.1:0',
    mutualTls: { ...sales, ...differs },
    ...limits,
  });
  closers.push(() => server.drain(0));
  const channel = createChannel({
    resolver: staticResolver([server.address]),
    mutualTls: gateway,
    connectTimeoutMs: 60_000,
  });
  closers.push(() => channel.close());
  return {
    server,
    client: createClient(ConformanceServiceDefinition, { channel }),
    lines: () => warningsIn(lines),
    all: () => lines,
  };
}

describe('a server with TLS refuses', () => {
  let setup: Setup;
  // Each has a log of its own: the same fault of a host is logged once a minute.
  beforeEach(async () => {
    setup = await start();
    calls.length = 0;
  });

  it.each(Object.entries(handshakes))('%s', async (_what, handshake) => {
    const { server, client, lines } = setup;
    let outcome: unknown;
    const texts = await during(client, async () => {
      outcome = await attempt(handshake, { port: server.port, authorities });
    });
    expect(outcome).toEqual({ ended: true, bytes: 0 });
    expect(texts).toEqual(['before', 'after', 'anew']);
    expect(calls).toEqual(['anew']);
    expect(lines()).toEqual([expect.stringContaining(handshake.line)]);
  });
});

it('a server with TLS warns of no client that left during the handshake, as a command does that ends', async () => {
  const { server, all, lines } = await start();
  const socket = connect(server.port, '127.0.0.1');
  socket.write(HALF_HELLO, () => socket.resetAndDestroy());
  await until(() => all().some(({ message }) => message.includes('it left during the TLS handshake')));
  expect(lines()).toEqual([]);
});

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** The beginning of a TLS handshake: a record of 256 bytes that doesn't come to its end. */
const HALF_HELLO = Buffer.from([0x16, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3]);
const HANDSHAKE_MS = 10_000;

describe('a client that begins a handshake and goes no further', () => {
  it('is cut after 10 s with one line in the log, whether it is silent or trickles', async () => {
    const { server, client, lines } = await start();
    const patient = createTlsServer({ handshakeTimeout: 10 * HANDSHAKE_MS });
    await once(patient.listen(0, '127.0.0.1'), 'listening');
    const begin = async (port: number, bytes: Buffer) => {
      const socket = await open({ port });
      socket.resume().write(bytes);
      return socket;
    };
    const stalled = await Promise.all(
      [Buffer.alloc(0), HALF_HELLO, HALF_HELLO].map((bytes) => begin(server.port, bytes)),
    );
    // The control: with more time, nothing else ends such a connection.
    const kept = await begin(portOf(patient), HALF_HELLO);
    const trickle = setInterval(() => {
      for (const socket of [stalled[2], kept]) if (socket?.writable) socket.write(Buffer.from([0]));
    }, 200);
    const beganAt = performance.now();
    const closed = Promise.all(stalled.map((socket) => firstOf(socket, ['close'])));
    expect((await client.unary({ text: 'meanwhile' })).text).toBe('meanwhile');
    await closed;
    clearInterval(trickle);
    expect(stalled.map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
    expect(performance.now() - beganAt).toBeGreaterThan(HANDSHAKE_MS - 1_000);
    expect(lines()).toEqual([expect.stringContaining('the TLS handshake took too long')]);
    expect(kept.destroyed).toBe(false);
    kept.destroy();
    patient.close();
  });

  it.each([
    ['as many as one address may have', 100, 99],
    ['without that limit, all', 1_000, 300],
  ])('takes up %s, and fails no call of others', async (_what, maxConnectionsPerAddress, left) => {
    allowLongHandshakes();
    const { server, client, lines } = await start({}, { maxConnectionsPerAddress });
    expect((await client.unary({ text: 'before' })).text).toBe('before');
    const sockets = await Promise.all(Array.from({ length: 300 }, () => open({ port: server.port })));
    for (const socket of sockets) socket.resume().write(HALF_HELLO);
    await until(() => sockets.filter(({ destroyed }) => !destroyed).length === left);
    expect((await client.unary({ text: 'meanwhile' })).text).toBe('meanwhile');
    expect(lines()).toHaveLength(left === 300 ? 0 : 1);
    expect(server.refusedConnections).toEqual({ handshake: 0, limit: 300 - left });
    for (const socket of sockets) socket.destroy();
  });
});

it.each(['on', 'permissive'] as const)(
  'connections over which nothing is sent count as well, with TLS %s',
  async (mode) => {
    const { server, client, lines } = await start(
      { mode },
      { maxConnectionsPerAddress: 100, clock: new ManualClock() },
    );
    expect((await client.unary({ text: 'before' })).text).toBe('before');
    const sockets = await Promise.all(Array.from({ length: 300 }, () => open({ port: server.port })));
    for (const socket of sockets) socket.resume();
    await until(() => sockets.filter(({ destroyed }) => !destroyed).length === 99);
    expect(lines()).toEqual([expect.stringContaining('its address has 100 connections')]);
    expect(server.refusedConnections).toEqual({ handshake: 0, limit: 201 });
    for (const socket of sockets) socket.destroy();
  },
);

it('a client of TLS 1.2, which could ask for handshake after handshake, is refused', async () => {
  const { server, client } = await start();
  const secured = connectTls({
    port: server.port,
    ca: authorities.own.cert,
    ...(await certify(authorities.own, 'gateway')),
    servername: 'localhost',
    maxVersion: 'TLSv1.2',
    ALPNProtocols: ['h2'],
  });
  const refused = new Promise((resolve) => secured.once('error', resolve));
  expect(await refused).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  expect((await client.unary({ text: 'served' })).text).toBe('served');
});
