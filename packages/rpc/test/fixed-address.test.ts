/** Servers outside the registry: channels to fixed addresses, with connection options, over real sockets. */
import { once } from 'node:events';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { Protocol, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import {
  type Channel,
  type ChannelOptions,
  createChannel,
  createClient,
  createRegistryChannel,
  staticResolver,
} from '../src/exports/client.js';
import { createRouter, type RpcServer, serve } from '../src/exports/server.js';
import { Status } from '../src/exports/status.js';
import { createMemoryNetwork } from '../src/exports/testing.js';
import { type Certificate, makeCertificate, noOpenssl } from './support/certificates.js';
import { failure } from './support/outcome.js';
import { scriptedRegistry } from './support/scripted-registry.js';
import { instances } from './support/scripted-watch.js';
import { conformanceService } from './support/service.js';
import { startTlsFront, type TlsFront } from './support/tls-front.js';

type Connections = Omit<ChannelOptions, 'resolver'>;

const HELLO = { text: 'hello' };
const LONG = { payload: Buffer.alloc(5 * 1024 * 1024) };
const EXHAUSTED = { code: Status.RESOURCE_EXHAUSTED, message: expect.stringContaining('larger than max') };

let server: RpcServer;
const open: Channel[] = [];

beforeAll(async () => {
  const unary = ({ text }: { readonly text: string }) => (text === 'long' ? LONG : { text });
  server = await serve(createRouter({ services: [conformanceService({ unary })] }), { listen: '127.0.0.1:0' });
});
afterEach(() => {
  for (const channel of open.splice(0)) channel.close();
});
afterAll(() => server.drain(0));

/** A client of the service at a fixed address. */
function callAt(address: string, options: Connections = {}) {
  const channel = createChannel({ ...options, resolver: staticResolver([address]) });
  open.push(channel);
  return createClient(ConformanceServiceDefinition, { channel });
}

describe('a shell that names a proxy for the web', () => {
  const names = ['http_proxy', 'https_proxy', 'grpc_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];

  it.each(names)('calls reach the address itself: %s', async (name) => {
    const before = process.env[name];
    process.env[name] = 'http://127.0.0.1:9';
    try {
      expect(await callAt(server.address).unary(HELLO)).toMatchObject(HELLO);
    } finally {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    }
  });
});

describe('a channel to a fixed address', () => {
  it('accepts replies of up to 4 MiB, or of the configured size', async () => {
    expect(await failure(callAt(server.address).unary({ text: 'long' }))).toMatchObject(EXHAUSTED);
    const patient = callAt(server.address, { maxReplyBytes: 6 * 1024 * 1024 });
    expect((await patient.unary({ text: 'long' })).payload).toHaveLength(LONG.payload.length);
    const strict = callAt(server.address, { maxReplyBytes: 3 });
    expect(await failure(strict.unary(HELLO))).toMatchObject(EXHAUSTED);
  });

  it('pings a silent server at the configured interval', async () => {
    const sessions: ServerHttp2Session[] = [];
    const raw = createHttp2Server().listen(0, '127.0.0.1');
    const askedTwice = new Promise<void>((resolve) => {
      raw.on('session', (session) => {
        let asked = 0;
        sessions.push(session);
        session.on('ping', () => ++asked === 2 && resolve());
      });
    });
    raw.on('stream', (stream) =>
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': 12 }, { endStream: true }),
    );
    await once(raw, 'listening');
    const { port } = raw.address() as AddressInfo;
    const { unary } = callAt(`127.0.0.1:${port}`, { minPingIntervalMs: 1_000 });
    await failure(unary(HELLO));
    await askedTwice;
    for (const session of sessions) session.destroy();
    raw.close();
  });
});

(noOpenssl === undefined ? describe : describe.skip)(noOpenssl ?? 'a channel with TLS', () => {
  let certificate: Certificate;
  let other: Certificate;
  let front: TlsFront;
  let wary: TlsFront;

  beforeAll(async () => {
    certificate = makeCertificate('payments.internal');
    other = makeCertificate('localhost');
    front = await startTlsFront(server.address, other);
    // It asks for a client certificate, and trusts only its own.
    const requires = { ca: certificate.cert, requestCert: true, rejectUnauthorized: true };
    wary = await startTlsFront(server.address, { ...certificate, ...requires });
  });
  afterAll(async () => {
    await front.close();
    await wary.close();
  });

  it('calls a server whose certificate is for its address', async () => {
    const { unary } = callAt(`localhost:${front.port}`, { tls: { ca: other.cert } });
    expect(await unary(HELLO)).toMatchObject(HELLO);
  });

  it('accepts certificates as text, and presents its own', async () => {
    const { cert, key } = certificate;
    const tls = { ca: String(cert), cert: String(cert), key: String(key), serverName: 'payments.internal' };
    const { unary } = callAt(`127.0.0.1:${wary.port}`, { tls, maxReplyBytes: 6 * 1024 * 1024 });
    expect((await unary({ text: 'long' })).payload).toHaveLength(LONG.payload.length);
  });

  it.each([
    ['trusts the machine alone, by {}', () => ({}), /self-signed certificate|DEPTH_ZERO/],
    ['expects another name', () => ({ ca: other.cert, serverName: 'sales.internal' }), /sales\.internal/],
  ])('does not call a server that it cannot trust: it %s', async (_why, tls, reason) => {
    const { unary } = callAt(`localhost:${front.port}`, { tls: tls() });
    expect(await failure(unary(HELLO, { timeoutMs: 60_000 }))).toMatchObject({
      code: Status.UNAVAILABLE,
      message: expect.stringMatching(reason),
    });
  });

  it.each<[string, () => ChannelOptions['tls'], string]>([
    ['a certificate without its key', () => ({ cert: certificate.cert }), 'tls.cert is given without tls.key'],
    ['a key without its certificate', () => ({ key: certificate.key }), 'tls.key is given without tls.cert'],
    [
      'the key of another',
      () => ({ cert: certificate.cert, key: other.key }),
      'tls.key is the key of another certificate than tls.cert',
    ],
    ['a key for a certificate', () => ({ ca: certificate.key }), 'tls.ca holds no PEM of a certificate'],
    [
      'a certificate for a key',
      () => ({ cert: certificate.cert, key: certificate.cert }),
      'tls.key holds no PEM of a private key',
    ],
  ])('refuses %s, before anything is called', (_what, tls, message) => {
    expect(() => createChannel({ resolver: staticResolver(['a:1']), tls: tls() })).toThrow(message);
  });
});

describe('options that a channel refuses at once', () => {
  it.each<[string, object, string]>([
    ['a path in the place of a file', { tls: { ca: '/etc/ca.pem' } }, 'tls.ca holds no PEM of a certificate'],
    [
      'a certificate that is damaged',
      { tls: { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' } },
      "tls.ca can't be read as a certificate",
    ],
    ['a certificate that is neither', { tls: { ca: 1 } }, 'tls.ca is neither text nor bytes'],
    ['tls: true', { tls: true }, 'tls is true: give an object; {} is for a server that the machine trusts'],
    ['a name with a port', { tls: { serverName: 'a:443' } }, 'tls.serverName is "a:443": give a host\'s name'],
    ['no bytes', { maxReplyBytes: 0 }, 'maxReplyBytes is 0: give a whole number of bytes from 1 to 2147483647'],
    ['too many', { maxReplyBytes: 2 ** 31 }, 'maxReplyBytes is 2147483648'],
    ['a text', { maxReplyBytes: '4096' }, 'maxReplyBytes is 4096: give a whole number'],
    ['no time', { connectTimeoutMs: -1 }, 'connectTimeoutMs is -1: give a whole number of milliseconds'],
    ['no end of it', { connectTimeoutMs: Number.POSITIVE_INFINITY }, 'connectTimeoutMs is Infinity'],
    ['half a millisecond', { minPingIntervalMs: 0.5 }, 'minPingIntervalMs is 0.5'],
  ])('%s', (_what, options, message) => {
    const make = () => createChannel({ resolver: staticResolver(['a:1']), ...options });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  it('a transport together with options that it would ignore, by their names', () => {
    const { transport } = createMemoryNetwork();
    expect(() => callAt('a:1', { transport, tls: {}, maxReplyBytes: 1 })).toThrow(
      "transport and tls, maxReplyBytes can't both be given",
    );
    expect(() => callAt('a:1', { transport, tls: undefined, connectTimeoutMs: 9 })).toThrow(
      "transport and connectTimeoutMs can't both be given",
    );
    callAt('a:1', { transport, tls: undefined });
  });
});

/** An instance as a registry sends it. */
function listing(address: string) {
  const [one] = instances('one');
  return {
    ...one,
    endpoints: [{ address, protocols: [Protocol.PROTOCOL_GRPC], security: Security.SECURITY_PLAINTEXT }],
  };
}

describe('a channel over the registry', () => {
  it('refuses tls, because registered instances have mutual TLS or none', () => {
    const options = { registry: ['r:1'], tls: {} };
    expect(() => createRegistryChannel(options)).toThrow(
      'tls: a registry lists servers with mutualTls, or without TLS',
    );
  });

  it('bounds the replies of instances, but not those of the registry', async () => {
    const registry = scriptedRegistry();
    const listed = await serve(createRouter({ services: [registry.service] }), { listen: '127.0.0.1:0' });
    const channel = createRegistryChannel({ registry: [listed.address], maxReplyBytes: 3 });
    open.push(channel);
    const { unary } = createClient(ConformanceServiceDefinition, { channel });
    const call = failure(unary(HELLO));
    const snapshot = { $case: 'snapshot' as const, value: { instances: [listing(server.address)] } };
    await registry.event({ position: { epoch: 1n, revision: 1n }, event: snapshot });
    expect(await call).toMatchObject(EXHAUSTED);
    channel.close();
    await listed.drain(0);
  });
});
