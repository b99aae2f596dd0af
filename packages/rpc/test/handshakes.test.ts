/** A client that isn't a process of the system is refused with one line in the log, and no call of another fails. */
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Logger, silentLogger } from '../src/exports/call.js';
import { type Channel, createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { createRouter, type RpcServer, serve } from '../src/exports/server.js';
import type { MutualTls } from '../src/tls/mutual-tls.js';
import { type Authorities, attempt, handshakes } from './attacks/handshakes.js';
import { type CertificateFolder, certify, createFolder, mutualTlsIn, newAuthority } from './support/identities.js';
import { type ConformanceClient, conformanceService } from './support/service.js';

let authorities: Authorities;
const folders: CertificateFolder[] = [];
const calls: string[] = [];
beforeAll(async () => {
  const [own, stranger, foreigner] = await Promise.all([newAuthority(), newAuthority(), newAuthority('other.test')]);
  authorities = { own, stranger, foreigner };
});
afterAll(() => {
  for (const folder of folders) folder.remove();
});

async function identityOf(name: string) {
  const folder = createFolder();
  folders.push(folder);
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
  readonly channel: Channel;
  readonly lines: string[];
}

async function start(differs: Partial<MutualTls> = {}): Promise<Setup> {
  const lines: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_fields, text) => void lines.push(text), child: () => log };
  const router = createRouter({ services: [service], logger: log });
  const server = await serve(router, {
    listen: '127.0.0.1:0',
    mutualTls: { ...(await identityOf('sales')), ...differs },
  });
  const channel = createChannel({ resolver: staticResolver([server.address]), mutualTls: await identityOf('gateway') });
  return { server, channel, client: createClient(ConformanceServiceDefinition, { channel }), lines };
}

/** The texts of a stream that is open while `attack` runs, and of a call after it. */
async function during(client: ConformanceClient, attack: () => Promise<unknown>): Promise<readonly string[]> {
  let goOn: () => void = () => undefined;
  const attacked = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  async function* requests() {
    yield { text: 'before' };
    await attacked;
    yield { text: 'after' };
  }
  const texts: string[] = [];
  for await (const { text } of client.bidiStream(requests())) {
    texts.push(text);
    if (text === 'before') await attack().then(goOn);
  }
  texts.push((await client.unary({ text: 'anew' })).text);
  return texts;
}

describe('a server with TLS refuses', () => {
  let setup: Setup;
  // Each has a log of its own: the same fault of a host is logged once a minute.
  beforeEach(async () => {
    setup = await start();
    calls.length = 0;
  });
  afterEach(async () => {
    setup.channel.close();
    await setup.server.drain(0);
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
    expect(lines).toEqual([expect.stringContaining(handshake.line)]);
  });
});

it('a client cannot ask for handshake after handshake where TLS 1.2 is configured', async () => {
  const { server, client, channel } = await start({ minVersion: 'TLSv1.2' });
  const secured = connectTls({
    port: server.port,
    ca: authorities.own.cert,
    ...(await certify(authorities.own, 'gateway')),
    servername: 'localhost',
    maxVersion: 'TLSv1.2',
    ALPNProtocols: ['h2'],
  });
  await once(secured, 'secureConnect');
  expect(secured.getProtocol()).toBe('TLSv1.2');
  const refused = new Promise((resolve) => {
    secured.once('error', resolve);
    secured.renegotiate({}, resolve);
  });
  expect(await refused).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
  secured.destroy();
  expect((await client.unary({ text: 'served' })).text).toBe('served');
  channel.close();
  await server.drain(0);
});
