/** nginx, HAProxy and Envoy before the gateway, with the configurations of infra/proxies. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  makeClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { eventually, root, type ServiceProcess, startRegistry, startService } from '@rondo/harness';
import { type Handlers, implement } from '@rondo/rpc/server';
import { packDetail, RpcError, statusFromCode } from '@rondo/rpc/status';
import { type RunningService, startService as startHere } from '@rondo/service';
import { envelope } from '../../e2e/src/front-door.js';
import { makeCertificate } from '../../packages/rpc/test/support/certificates.js';
import { grpcDefinition } from '../../packages/rpc/test/support/grpc-definition.js';
import { missing, type ProxyName, proxyNames, type RunningProxy, startProxy } from './src/proxies.js';

const { unary, unaryUnsafe, serverStream, bidiStream } = ConformanceServiceDefinition.methods;
/** The contract of the conformance suite under a name that a gateway offers. */
const Proxied = {
  name: 'ConformanceService',
  fullName: 'proxied.v1.ConformanceService',
  methods: { unary, unaryUnsafe, serverStream, bidiStream },
} as const;
const PROTO = 'rondo/conformance/v1/conformance.proto';
const LARGE_BYTES = 3_500_000;
/** More than nginx's and HAProxy's usual 60 s, and Envoy's 15 s. */
const SILENT_MS = 65_000;

const folder = mkdtempSync(join(tmpdir(), 'rondo-proxies-'));
const certificate = makeCertificate('localhost');
let registry: ServiceProcess;
const gateways: { process: ServiceProcess; readonly address: string }[] = [];
let service: RunningService;
/** What the service has been asked, by its handlers. */
const seen = { unsafe: 0, aborted: 0, metadata: '', hasDeadline: false };

beforeAll(async () => {
  registry = await startRegistry();
  const descriptors = join(folder, 'descriptors.binpb');
  writeFileSync(descriptors, withProxied(readFileSync(join(root, 'packages/contracts/descriptors.binpb'))));
  service = await startHere({
    name: 'proxied',
    port: 0,
    environment: {
      RONDO_LISTEN: '127.0.0.1:0',
      RONDO_REGISTRY: registry.address,
      RONDO_DESCRIPTORS: descriptors,
      RONDO_LOG_LEVEL: 'silent',
      RONDO_DRAIN_WAIT_MS: '0',
    },
    createApp: () => ({ services: [implement(Proxied, handlers)] }),
  });
  writeFileSync(join(folder, 'tls.crt'), certificate.cert);
  writeFileSync(join(folder, 'tls.key'), certificate.key);
  for (const _ of ['one', 'two']) gateways.push(await startGateway('127.0.0.1:0'));
});

afterAll(async () => {
  await service?.drain();
  await Promise.all([...gateways.map(({ process }) => process), registry].map((one) => one?.stop()));
  rmSync(folder, { recursive: true });
});

async function startGateway(listen: string) {
  const process = await startService('gateway', {
    registry: registry.address,
    env: {
      RONDO_GATEWAY_LISTEN: listen,
      RONDO_GATEWAY_TRUSTED_PROXIES: '127.0.0.0/8',
      RONDO_DRAIN_WAIT_MS: '3000',
      RONDO_GATEWAY_TLS_DIR: folder,
    },
  });
  const [, address = ''] = await process.printed(/also listening on (127\.0\.0\.1:\d+)/);
  return { process, address };
}

/** Handlers that answer as the request says. */
const handlers: Handlers<typeof Proxied> = {
  async unary({ payload, text, behaviour }, { metadata, callerDeadline, signal }) {
    seen.metadata = String(metadata.get('x_dotted.name'));
    seen.hasDeadline = callerDeadline !== undefined;
    if (behaviour !== undefined) {
      await once(signal, 'abort');
      seen.aborted += 1;
    }
    return { payload, text };
  },
  unaryUnsafe({ behaviour = { code: 0, message: '', errorReason: '' } }) {
    seen.unsafe += 1;
    const details = [packDetail(ErrorInfo, { reason: behaviour.errorReason, domain: 'proxied' })];
    throw new RpcError(statusFromCode(behaviour.code), behaviour.message, { details });
  },
  async *serverStream({ count, payloadBytes, behaviour }, { signal }) {
    for (let index = 0; index < count; index += 1) yield { index, payload: Buffer.alloc(payloadBytes) };
    if (behaviour !== undefined) await once(signal, 'abort');
  },
  async *bidiStream(requests) {
    for await (const { text } of requests) yield { text };
  },
};

/** A descriptor set, and next to it the service under its other name. */
function withProxied(bytes: Uint8Array): Uint8Array {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  const [own] = set.file.find(({ name }) => name === PROTO)?.service ?? [];
  if (own === undefined) throw new Error(`no service in ${PROTO}`);
  const { $typeName, name, method } = own;
  const file = { name: 'proxied/v1/proxied.proto', package: 'proxied.v1', dependency: [PROTO], syntax: 'proto3' };
  const all = [...set.file, create(FileDescriptorProtoSchema, { ...file, service: [{ $typeName, name, method }] })];
  return toBinary(FileDescriptorSetSchema, { ...set, file: all });
}

/** A client of plain grpc-js, which retries nothing by itself. */
function clientOf(address: string, secure: boolean, retries = 0) {
  const Client = makeClientConstructor(grpcDefinition(Proxied), Proxied.fullName);
  const trust = secure ? credentials.createSsl(certificate.cert) : credentials.createInsecure();
  const client = new Client(address, trust, { 'grpc.enable_retries': retries, 'grpc.max_receive_message_length': -1 });
  const unary = (name: 'unary' | 'unaryUnsafe', request: object, { deadlineMs = 60_000, cancelled = false } = {}) =>
    new Promise<{ readonly error?: ServiceError; readonly reply?: Reply }>((resolve) => {
      const metadata = new Metadata();
      metadata.set('x_dotted.name', 'kept');
      const options = { deadline: Date.now() + deadlineMs };
      const call = client[name]?.(request, metadata, options, (error: ServiceError | null, reply?: Reply) =>
        resolve({ ...(error && { error }), ...(reply && { reply }) }),
      );
      if (cancelled) setTimeout(() => call?.cancel(), 300);
    });
  return {
    unary,
    serverStream: (request: object): ClientReadableStream<unknown> => client['serverStream']?.(request),
    bidi: (): ClientDuplexStream<object, { text: string }> => client['bidiStream']?.(new Metadata()),
    close: () => client.close(),
  };
}

interface Reply {
  readonly payload: Uint8Array;
}

type Client = ReturnType<typeof clientOf>;

/** What has to hold through a proxy, and where it doesn't: the name of each, with what was got instead. */
const promises: Readonly<Record<string, (client: Client) => Promise<void>>> = {
  async 'a call, its metadata and its deadline arrive'({ unary }) {
    const { error } = await unary('unary', { text: 'hello' });
    expect([error, seen.metadata, seen.hasDeadline]).toEqual([undefined, 'kept', true]);
  },
  async 'a large message goes through'({ unary }) {
    const { error, reply } = await unary('unary', { payload: Buffer.alloc(LARGE_BYTES, 'p') });
    expect([error?.message, reply?.payload.length]).toEqual([undefined, LARGE_BYTES]);
  },
  async 'an error keeps its details'({ unary }) {
    const behaviour = { code: 9, message: 'said', errorReason: 'REASON '.repeat(560) };
    const { error } = await unary('unaryUnsafe', { behaviour });
    expect([error?.code, error?.details]).toEqual([status.FAILED_PRECONDITION, 'said']);
    expect(String(error?.metadata.get('grpc-status-details-bin')[0])).toContain(behaviour.errorReason);
  },
  async 'a stream of replies arrives whole'({ serverStream }) {
    let count = 0;
    for await (const _ of serverStream({ count: 200, payloadBytes: 20_000 })) count += 1;
    expect(count).toBe(200);
  },
  async 'each message of both directions goes on at once'({ bidi }) {
    const stream = bidi();
    for (const text of ['one', 'two', 'three']) expect(await ping(stream, text)).toBe(text);
    stream.end();
    await once(stream.resume(), 'end');
  },
  async 'a deadline and a cancellation end the call at the service'({ unary }) {
    const before = seen.aborted;
    const slow = { behaviour: {} };
    const late = await unary('unary', slow, { deadlineMs: 300 });
    expect(late.error?.code).toBe(status.DEADLINE_EXCEEDED);
    expect((await unary('unary', slow, { cancelled: true })).error?.code).toBe(status.CANCELLED);
    await eventually(() => expect(seen.aborted).toBe(before + 2), { timeoutMs: 10_000 });
  },
  async 'a call that fails is made once'({ unary }) {
    const before = seen.unsafe;
    const { error } = await unary('unaryUnsafe', { behaviour: { code: 14, message: 'away' } });
    expect([error?.code, seen.unsafe - before]).toEqual([status.UNAVAILABLE, 1]);
  },
};

async function ping(stream: ClientDuplexStream<object, { text: string }>, text: string): Promise<string> {
  const answered = once(stream, 'data');
  stream.write({ text });
  const [{ text: echoed }] = await answered;
  return echoed;
}

/** The answer to JSON over HTTP/1.1. */
async function askJson(url: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const request = https.request(`${url}/${Proxied.fullName}/Unary`, { method: 'POST', headers, ca: certificate.cert });
  request.end(JSON.stringify({ text: 'json' }));
  const [response] = await once(request, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return JSON.parse(String(Buffer.concat(chunks)));
}

/** Opens streams of each kind that say nothing after their first message. @returns which of them have ended. */
async function openSilent({ plain, plainJson }: RunningProxy) {
  const client = clientOf(plain, false);
  const ended: string[] = [];
  const [bidi, replies] = [client.bidi(), client.serverStream({ count: 1, behaviour: {} })];
  const json = http.request(`http://${plainJson}/${Proxied.fullName}/ServerStream`, { method: 'POST' });
  json.setHeader('content-type', 'application/connect+json');
  json.end(envelope(Buffer.from(JSON.stringify({ count: 1, behaviour: {} }))));
  bidi.on('error', () => undefined).once('status', () => ended.push('bidi'));
  replies.on('error', () => undefined).once('status', () => ended.push('replies'));
  json.on('error', () => undefined).once('close', () => ended.push('json'));
  const [response] = await once(json, 'response');
  expect(response.statusCode).toBe(200);
  response.on('error', () => undefined);
  await Promise.all([ping(bidi, 'hello'), once(replies, 'data'), once(response, 'data')]);
  const close = () => {
    json.destroy();
    client.close();
    bidi.cancel();
    replies.cancel();
  };
  return { ended, bidi, close };
}

/** The promises that don't hold at an address. */
async function broken(address: string, secure: boolean): Promise<readonly string[]> {
  const client = clientOf(address, secure);
  const found: string[] = [];
  for (const [promise, check] of Object.entries(promises)) {
    const late = sleep(30_000, undefined, { ref: false }).then(() => Promise.reject(new Error('hangs')));
    await Promise.race([check(client), late]).catch((error: Error) => void found.push(`${promise}: ${error.message}`));
  }
  client.close();
  return found;
}

const without = (...lines: readonly RegExp[]) => {
  return (text: string) => lines.reduce((left, line) => left.replaceAll(line, ''), text);
};

/** The lines that matter, and the promise that breaks without them. */
const CONTROLS: readonly (readonly [ProxyName, string, (text: string) => string])[] = [
  ['nginx', 'a large message goes through', without(/client_max_body_size.*;/g)],
  ['nginx', 'a call, its metadata and its deadline arrive', without(/ignore_invalid_headers.*;|underscores_in.*;/g)],
  [
    'nginx',
    'a call, its metadata and its deadline arrive',
    (text) => text.replaceAll('gateway_grpc', 'gateway_http').replace(/upstream gateway_http \{[^}]*\}/, ''),
  ],
  ['nginx', 'an error keeps its details', without(/grpc_buffer_size.*;/g)],
  [
    'envoy',
    'a call that fails is made once',
    (text) => text.replace('retry_on: connect-failure', 'retry_on: unavailable'),
  ],
];

/** The usual times of each, and the silent streams that they cut. */
const USUAL: Readonly<
  Record<ProxyName, { readonly edit: (text: string) => string; readonly cuts: readonly string[] }>
> = {
  nginx: { edit: without(/proxy_read_timeout.*;/g), cuts: ['json'] },
  haproxy: {
    edit: (text) => text.replaceAll(/(timeout (?:client|server)) 1d/g, '$1 50s'),
    cuts: ['bidi', 'json', 'replies'],
  },
  envoy: { edit: without(/(?<!_)timeout: 0s/g), cuts: ['json', 'replies'] },
};

/** The second gateway, as another address of the name `gateway` would be. */
const TWO: Readonly<Record<ProxyName, (text: string, second: string) => string>> = {
  nginx: (text, second) =>
    text
      .replaceAll(/server gateway:8080(.*)/g, `$& server ${second}$1`)
      .replace('proxy_pass gateway:8080;', 'proxy_pass passed;')
      .replace('stream {', `stream { upstream passed { server gateway:8080; server ${second}; }`),
  haproxy: (text, second) => text.replaceAll(/(\n *server) one gateway:8080(.*)/g, `$&$1 two ${second}$2`),
  envoy: (text, second) =>
    text.replaceAll(/\n.*(?<=endpoint: )\{ address: .* port_value: 8080.*/g, (line) => {
      const [host, port] = second.split(':');
      return `${line}${line.replace('address: gateway, port_value: 8080', `address: ${host}, port_value: ${port}`)}`;
    }),
};

/** A hundred calls a second, until it ends. */
function startLoad(call: () => Promise<string | undefined>, close: () => void) {
  const calls: Promise<string | undefined>[] = [];
  const timer = setInterval(() => calls.push(call()), 10);
  return {
    async end() {
      clearInterval(timer);
      const errors = (await Promise.all(calls)).filter((error) => error !== undefined);
      close();
      const failed = [...new Set(errors)].map((one) => `${one}: ${errors.filter((error) => error === one).length}`);
      return { answered: calls.length - errors.length, failed };
    },
  };
}

/** Where a client sees the gateway's connections itself, it repeats a refused stream. */
function startCalls(address: string, passed: boolean) {
  const client = clientOf(address, passed, passed ? 1 : 0);
  return startLoad(async () => (await client.unary('unary', { text: 'hello' })).error?.message, client.close);
}

/** POST with JSON over HTTP/1.1. Every tenth comes with nine others, so that the proxy keeps idle connections to the gateway. */
function startJson(address: string) {
  const agent = new http.Agent({ keepAlive: true });
  const post = async () => {
    const headers = { 'content-type': 'application/json' };
    const request = http.request(`http://${address}/${Proxied.fullName}/Unary`, { method: 'POST', headers, agent });
    request.end(JSON.stringify({ text: 'json' }));
    const [response] = await once(request, 'response');
    await once(response.resume(), 'end');
    return response.statusCode === 200 ? undefined : `HTTP ${response.statusCode}`;
  };
  let calls = 0;
  const call = async () => {
    calls += 1;
    const errors = await Promise.all(Array.from({ length: calls % 10 === 0 ? 10 : 1 }, () => post().catch(String)));
    return errors.find((error) => error !== undefined);
  };
  return startLoad(call, () => agent.destroy());
}

describe.each(proxyNames)('%s', (name) => {
  const reason = missing(name);
  if (reason !== undefined) process.stdout.write(`NOT TESTED: ${reason}\n`);
  const proxies: RunningProxy[] = [];
  const started = async (edit?: (text: string) => string) => {
    const proxy = await startProxy(name, { gateway: gateways[0]?.address ?? '', certificate, ...(edit && { edit }) });
    proxies.push(proxy);
    return proxy;
  };

  beforeAll(async () => {
    if (reason === undefined) await started();
  });
  afterAll(() => Promise.all(proxies.map((proxy) => proxy.stop())));
  const at = (way: 'plain' | 'ended' | 'passed') => proxies[0]?.[way] ?? '';
  const test = reason === undefined ? it : it.skip;

  test('keeps what a caller of the gateway has, in plaintext, and with TLS that ends at either', async () => {
    expect(await broken(at('plain'), false)).toEqual([]);
    expect(await broken(at('ended'), true)).toEqual([]);
    expect(await broken(at('passed'), true)).toEqual([]);
    const answers = await Promise.all([at('ended'), at('passed')].map((host) => askJson(`https://${host}`)));
    expect(answers).toMatchObject([{ text: 'json' }, { text: 'json' }]);
  });

  for (const [, promise, edit] of CONTROLS.filter(([proxy]) => proxy === name)) {
    test(`without its lines for it, it breaks: ${promise}`, async () => {
      const { plain } = await started(edit);
      expect(await broken(plain, false)).toEqual([expect.stringContaining(promise)]);
    });
  }

  test('fails no call while two gateways behind it are restarted one after the other', async () => {
    const proxy = await started((text) => TWO[name](text, gateways[1]?.address ?? ''));
    const loads = [startCalls(proxy.plain, false), startCalls(proxy.passed, true), startJson(proxy.plainJson)];
    for (const gateway of gateways) {
      await gateway.process.stop();
      gateway.process = (await startGateway(gateway.address)).process;
      await eventually(async () => expect((await fetch(`http://${gateway.address}/readyz`)).status).toBe(200));
      await sleep(5_000); // until the proxy has noticed
    }
    const ends = await Promise.all(loads.map((load) => load.end()));
    const [plain, passed, json] = ends.map(({ answered }) => answered);
    process.stdout.write(`${name}: ${plain}, by TLS that goes through ${passed}, with JSON ${json} answered\n`);
    expect(ends.map(({ failed }) => failed)).toEqual([[], [], []]);
  });

  test('keeps a stream that is silent for a minute; by the usual times it would be cut', async () => {
    const [own] = proxies;
    if (own === undefined) throw new Error('no proxy');
    const [kept, usual] = [await openSilent(own), await openSilent(await started(USUAL[name].edit))];
    await sleep(SILENT_MS);
    expect([kept.ended, usual.ended.toSorted()]).toEqual([[], USUAL[name].cuts]);
    expect(await ping(kept.bidi, 'still')).toBe('still');
    kept.close();
    usual.close();
  });
});
