import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition, UnaryResponse } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { Compression } from '@rondo/contracts/rondo/options/v1/options';
import type { Metadata } from '../src/exports/call.js';
import { type CallOptions, createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { Status } from '../src/exports/status.js';
import { peerTransport } from '../src/transport/peer-connection.js';
import { withPolicy } from './support/contract.js';
import { startRawServer } from './support/http2-server.js';
import { failure } from './support/outcome.js';
import { socketsOfATest } from './support/sockets.js';
import { collect, streamOf } from './support/stream.js';
import { wireCall } from './support/wire-call.js';

/** Long enough to be worth compressing. */
const LONG = 'a long text '.repeat(1_000);
const { closers, startServer, connectTo } = socketsOfATest();

type Configured = Pick<CallOptions, 'compression'>;

interface Seen {
  readonly connection: number;
  /** The header `grpc-encoding`. */
  readonly encoding: string | undefined;
  /** Whether the first message has the compression flag. */
  readonly compressed: boolean;
  readonly bytes: number;
}

/** A server that answers each call with `reply`, by default an empty message, and records what it received. */
async function startRecorder(answer: Record<string, string> = {}, reply = Buffer.alloc(5)) {
  const seen: Seen[] = [];
  const sessions: unknown[] = [];
  const server = await startRawServer((stream, session, headers) => {
    const encoding = headers['grpc-encoding'];
    if (!sessions.includes(session)) sessions.push(session);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const body = Buffer.concat(chunks);
      const received = { connection: sessions.indexOf(session), compressed: body[0] === 1, bytes: body.length };
      seen.push({ ...received, encoding: typeof encoding === 'string' ? encoding : undefined });
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...answer }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(reply);
    });
  });
  closers.push(() => server.close());
  return { address: server.address, seen };
}

/** The conformance service with a compression option in the contract of its unary method. */
function contractSaying(compression: Compression) {
  const { unary } = ConformanceServiceDefinition.methods;
  return { ...ConformanceServiceDefinition, methods: { unary: withPolicy(unary, { compression }) } };
}

function connect(address: string, definition = contractSaying(Compression.COMPRESSION_UNSPECIFIED), options = {}) {
  const channel = createChannel({ resolver: staticResolver([address]), ...options });
  closers.push(() => channel.close());
  return createClient(definition, { channel });
}

describe('a request', () => {
  const { COMPRESSION_UNSPECIFIED: SILENT, COMPRESSION_GZIP: GZIP, COMPRESSION_IDENTITY: IDENTITY } = Compression;
  const gzip = { compression: 'gzip' } as const;
  const identity = { compression: 'identity' } as const;
  const cases: [string, boolean, { policy?: Compression; channel?: Configured; caller?: Configured }][] = [
    ['nothing asks for it', false, {}],
    ['the channel does', true, { channel: gzip }],
    ['the contract does', true, { policy: GZIP }],
    ['the contract does, and the channel not', true, { policy: GZIP, channel: identity }],
    ['the caller does', true, { caller: gzip }],
    ['the caller does, and the contract not', true, { policy: IDENTITY, caller: gzip }],
    ['the contract will not', false, { policy: IDENTITY, channel: gzip }],
    ['the caller will not', false, { policy: GZIP, channel: gzip, caller: identity }],
  ];
  it.each(cases)('is compressed as configured: %s', async (_name, compressed, { policy, channel, caller }) => {
    const { address, seen } = await startRecorder();
    await connect(address, contractSaying(policy ?? SILENT), channel).unary({ text: LONG }, caller);
    expect(seen).toMatchObject([compressed ? { compressed, encoding: 'gzip' } : { compressed }]);
    if (compressed) expect(seen[0]?.bytes).toBeLessThan(LONG.length / 10);
    else expect(seen[0]?.bytes).toBeGreaterThan(LONG.length);
  });

  it('makes no connection once its transport is closed', async () => {
    const { address, seen } = await startRecorder();
    const transport = peerTransport(address);
    transport.close();
    const call = transport.call(wireCall({ compression: 'gzip' }));
    await expect(call).rejects.toMatchObject({ code: Status.UNAVAILABLE, reach: 'unsent' });
    expect(seen).toEqual([]);
  });

  it('that is short is compressed as well, by gRPC', async () => {
    const { address, seen } = await startRecorder();
    await connect(address).unary({ text: 'short' }, gzip);
    expect(seen).toMatchObject([{ encoding: 'gzip', compressed: true }]);
  });

  it('that is compressed does not affect uncompressed calls, which have their own connection', async () => {
    const { address, seen } = await startRecorder();
    const client = connect(address);
    for (const options of [{}, gzip, {}, gzip]) await client.unary({ text: LONG }, options);
    const plain = { connection: 0, encoding: undefined, compressed: false };
    const packed = { connection: 1, encoding: 'gzip', compressed: true };
    expect(seen).toMatchObject([plain, packed, plain, packed]);
  });

  it('is sent uncompressed to a server that has said that it accepts no gzip', async () => {
    const { address, seen } = await startRecorder({ 'grpc-accept-encoding': 'identity' });
    const client = connect(address);
    for (let call = 0; call < 2; call += 1) await client.unary({ text: LONG }, gzip);
    expect(seen.at(-1)).toMatchObject({ encoding: undefined, compressed: false });
  });

  it('is refused if its compression is unknown', async () => {
    const client = connect('127.0.0.1:1');
    const options = JSON.parse('{"compression":"deflate"}');
    expect(await failure(client.unary({}, options))).toMatchObject({
      code: Status.INVALID_ARGUMENT,
      message: expect.stringContaining('compression must be identity or gzip, and is "deflate"'),
    });
    expect(() => connect('127.0.0.1:1', undefined, options)).toThrow('compression is "deflate": give identity or gzip');
  });

  it('that is compressed is read by a server, whatever the kind of method', async () => {
    const server = await startServer();
    const { client } = connectTo([server.address]);
    expect(await client.unary({ text: LONG }, gzip)).toMatchObject({ text: LONG });
    expect(await client.clientStream(streamOf({ text: LONG }, { text: 'short' }), gzip)).toMatchObject({
      texts: [LONG, 'short'],
    });
    expect(await collect(client.serverStream({ count: 2 }, gzip))).toHaveLength(2);
    expect(await collect(client.bidiStream(streamOf({ text: LONG }, { text: 'short' }), gzip))).toMatchObject([
      { text: LONG },
      { text: 'short' },
    ]);
  });
});

describe('a reply', () => {
  const body = Buffer.from(UnaryResponse.encode(UnaryResponse.fromPartial({ text: LONG })).finish());
  const connectTo = async (message: Buffer, answer: Record<string, string>, options = {}) => {
    const framed = Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), message]);
    framed.writeUInt32BE(message.length, 1);
    const { address } = await startRecorder(answer, framed);
    return connect(address, undefined, options);
  };

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ])('that is compressed by %s is read', async (encoding, compress) => {
    const client = await connectTo(compress(body), { 'grpc-encoding': encoding });
    const header: string[] = [];
    const onHeader = (metadata: Metadata) => metadata.forEach((key) => void header.push(key));
    expect(await client.unary({}, { onHeader })).toMatchObject({ text: LONG });
    expect(header).not.toContain('grpc-encoding');
  });

  it('that is longer than the client reads, once decompressed, is refused', async () => {
    const client = await connectTo(gzipSync(body), { 'grpc-encoding': 'gzip' }, { maxReplyBytes: LONG.length - 1 });
    expect(await failure(client.unary({}))).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      message: expect.stringContaining(`decompresses to a size larger than ${LONG.length - 1}`),
    });
  });

  it.each([
    ['in another way than its header says', gzipSync(body), { 'grpc-encoding': 'deflate' }],
    ['in an unknown way', gzipSync(body), { 'grpc-encoding': 'br' }],
    ['without a header', gzipSync(body), {}],
    ['in part', gzipSync(body).subarray(0, 40), { 'grpc-encoding': 'gzip' }],
  ])('that is compressed %s is INTERNAL', async (_how, message, answer: Record<string, string>) => {
    const client = await connectTo(message, answer);
    expect(await failure(client.unary({}))).toMatchObject({
      code: Status.INTERNAL,
      message: expect.stringContaining('a message of the reply can not be read'),
    });
  });
});
