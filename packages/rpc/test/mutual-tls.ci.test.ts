import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Authority } from '@rondo/certificates';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { callerIdentity } from '../src/exports/call.js';
import { createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { createRouter, serve } from '../src/exports/server.js';
import type { MutualTls } from '../src/tls/mutual-tls.js';
import { FRAMES_ALPN, PREFACE } from '../src/transport/frames/frames.js';
import { peerTransport } from '../src/transport/peer-connection.js';
import { BEGIN } from './attacks/frames.js';
import { closersOfATest } from './support/closers.js';
import { forge } from './support/forgery.js';
import { certify, createFolder, type IssueOptions, mutualTlsIn, newAuthority } from './support/identities.js';
import { failure } from './support/outcome.js';
import { recordingLogger, warningsIn } from './support/recording-logger.js';
import { conformanceService } from './support/service.js';

let authority: Authority;
let stranger: Authority;
let foreigner: Authority;
beforeAll(async () => {
  [authority, stranger, foreigner] = await Promise.all([newAuthority(), newAuthority(), newAuthority('other.test')]);
});

const closers = closersOfATest();

interface ProcessOptions extends IssueOptions {
  /** Who has issued the certificate. */
  readonly by?: Authority;
  readonly mode?: MutualTls['mode'];
  /** The time when the process read its files, in hours from now. */
  readonly readAt?: number;
  /** What the process trusts. */
  readonly trusts?: readonly Authority[];
}

async function processOf(
  name: string,
  { by = authority, mode, readAt = 0, trusts = [authority, by], ...options }: ProcessOptions = {},
): Promise<MutualTls> {
  const folder = createFolder();
  folder.write({ ...(await certify(by, name, options)), ca: trusts.map(({ cert }) => cert).join('\n') });
  return mutualTlsIn(folder, { readAt, ...(mode && { mode }) });
}

/** The process `sales` with a certificate that has these URIs, which no honest issuer would write. */
async function forged(...uris: readonly string[]): Promise<MutualTls> {
  const tls = await processOf('sales');
  const { cert, key } = await forge(authority, { uris });
  const current = { ...tls.identity.current, cert: Buffer.from(cert), key: Buffer.from(key) };
  Object.defineProperty(tls.identity, 'current', { value: current });
  return tls;
}

async function start(mutualTls: MutualTls | undefined) {
  const { logger, lines } = recordingLogger();
  const callers: string[] = [];
  const service = conformanceService({
    unary: (_request, { values }) => {
      callers.push(values.get(callerIdentity));
      return { text: 'answered' };
    },
  });
  const server = await serve(createRouter({ services: [service], logger }), {
    listen: '127.0.0.1:0',
    mutualTls,
  });
  closers.push(() => server.drain(0));
  return { server, callers, lines: () => warningsIn(lines) };
}

/** Whether the clients of a test call by frames. */
let frames = false;

function clientOf(address: string, mutualTls: MutualTls | undefined) {
  // A busy machine may take longer than the default.
  const patience = { connectTimeoutMs: 30_000 };
  const channel = createChannel({ resolver: staticResolver([address], { frames }), mutualTls, ...patience });
  closers.push(() => channel.close());
  return createClient(ConformanceServiceDefinition, { channel });
}

describe.each([
  ['grpc', false],
  ['frames', true],
])('over %s', (_, byFrames) => {
  beforeEach(() => {
    frames = byFrames;
  });

  describe('mutual TLS', () => {
    it('tells the handler who calls', async () => {
      const { server, callers } = await start(await processOf('sales'));
      const client = clientOf(server.address, await processOf('gateway'));
      for (let call = 0; call < 3; call += 1) expect(await client.unary({})).toMatchObject({ text: 'answered' });
      expect(callers).toEqual(Array(3).fill('spiffe://rondo.test/gateway'));
    });

    it('is handed to a transport of its own, with the processes that may answer', async () => {
      const { server, callers } = await start(await processOf('sales'));
      const seen: unknown[] = [];
      const mutualTls = await processOf('gateway');
      const channel = createChannel({
        resolver: staticResolver([server.address]),
        mutualTls,
        transport: (address, known) => {
          seen.push(known?.servers);
          return peerTransport(address, known);
        },
      });
      closers.push(() => channel.close());
      await createClient(ConformanceServiceDefinition, { channel }).unary({});
      expect({ seen, callers }).toEqual({ seen: [['sales']], callers: ['spiffe://rondo.test/gateway'] });
    });

    it('takes no identity from the metadata of a call', async () => {
      const { server, callers } = await start(await processOf('sales', { mode: 'permissive' }));
      const metadata = { 'rondo-peer-identity': 'spiffe://rondo.test/admin' };
      await clientOf(server.address, undefined).unary({}, { metadata });
      await clientOf(server.address, await processOf('gateway')).unary({}, { metadata });
      expect(callers).toEqual(['', 'spiffe://rondo.test/gateway']);
    });

    it('serves clients with and without TLS at one port while it is permissive', async () => {
      const { server } = await start(await processOf('sales', { mode: 'permissive' }));
      expect(server.tls).toBe('permissive');
      await expect(clientOf(server.address, undefined).unary({})).resolves.toBeDefined();
      await expect(clientOf(server.address, await processOf('gateway')).unary({})).resolves.toBeDefined();
    });
  });

  describe('a client refuses', () => {
    interface Refused {
      readonly server: () => Promise<MutualTls | undefined>;
      readonly why: string;
    }
    const rows: Record<string, Refused> = {
      'the certificate of another process': {
        server: () => processOf('projects'),
        why: 'its certificate is for spiffe://rondo.test/projects, and spiffe://rondo.test/sales is wanted',
      },
      'a name that only begins like the one wanted': { server: () => processOf('sales-2'), why: 'is wanted' },
      'an authority that it does not trust': {
        server: () => processOf('sales', { by: stranger }),
        why: 'no authority that this process trusts',
      },
      "a client's certificate": { server: () => processOf('sales', { usage: 'client' }), why: 'not for this use' },
      'a certificate that has expired': {
        server: () => processOf('sales', { valid: [-3, -1], readAt: -2 }),
        why: 'its certificate has expired',
      },
      "a certificate that isn't valid yet": {
        server: () => processOf('sales', { valid: [1, 3], readAt: 2 }),
        why: "its certificate isn't valid yet",
      },
      'another trust domain': {
        server: () => processOf('sales', { by: foreigner, trusts: [authority, foreigner] }),
        why: 'of another trust domain than rondo.test',
      },
      'two SPIFFE ids': {
        server: () => forged('spiffe://rondo.test/sales', 'spiffe://rondo.test/projects'),
        why: 'has no SPIFFE id',
      },
      plaintext: { server: async () => undefined, why: 'it speaks plaintext' },
    };

    it.each(Object.entries(rows))('%s', async (_what, { server: made, why }) => {
      const { server, callers } = await start(await made());
      const client = await processOf('gateway', { trusts: [authority, foreigner] });
      const error = await failure(clientOf(server.address, client).unary({}));
      expect(error).toMatchObject({ codeName: 'UNAVAILABLE', message: expect.stringContaining(why) });
      expect(callers).toEqual([]);
    });
  });

  describe('a server refuses, with one line in its log,', () => {
    interface Refused {
      readonly client: () => Promise<MutualTls | undefined>;
      readonly line: string;
      readonly hint: string;
    }
    const rows: Record<string, Refused> = {
      'an authority that it does not trust': {
        client: () => processOf('gateway', { by: stranger }),
        line: 'no authority that this process trusts has issued its certificate',
        hint: 'it may not accept spiffe://rondo.test/gateway',
      },
      'a certificate that has expired': {
        client: () => processOf('gateway', { valid: [-3, -1], readAt: -2 }),
        line: 'its certificate has expired',
        hint: 'it may not accept spiffe://rondo.test/gateway',
      },
      plaintext: {
        client: async () => undefined,
        line: 'it speaks plaintext',
        hint: 'it may need TLS (for a process of Rondo set RONDO_TLS=on',
      },
    };

    it.each(Object.entries(rows))('%s', async (_what, { client, line, hint }) => {
      const { server, callers, lines } = await start(await processOf('sales'));
      const error = await failure(clientOf(server.address, await client()).unary({}));
      expect(error).toMatchObject({ codeName: 'UNAVAILABLE', message: expect.stringContaining(hint) });
      expect(lines()).toEqual([expect.stringContaining(line)]);
      expect(server.refusedConnections.handshake).toBeGreaterThan(0);
      expect(callers).toEqual([]);
    });
  });
});

describe('over TLS, a client that agrees on', () => {
  it.each([
    ['frames, and speaks HTTP/2', FRAMES_ALPN, BEGIN],
    ['HTTP/2, and speaks frames', 'h2', PREFACE],
    ['frames, and none', FRAMES_ALPN, Buffer.from('f2524f4e444f030a', 'hex')],
  ])('%s, is closed', async (_what, protocol, bytes) => {
    const { server } = await start(await processOf('sales'));
    const { cert, key, ca } = (await processOf('gateway')).identity.current;
    const secured = connectTls({
      port: server.port,
      cert,
      key,
      ca,
      ALPNProtocols: [protocol],
      checkServerIdentity: () => undefined,
    });
    closers.push(() => secured.destroy());
    secured.on('error', () => undefined).resume();
    await once(secured, 'secureConnect');
    expect(secured.alpnProtocol).toBe(protocol);
    secured.write(bytes);
    if (!secured.destroyed) await new Promise((resolve) => secured.once('close', resolve));
  });
});
