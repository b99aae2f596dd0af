import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { UnaryRequest } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { eventually, root, type ServiceProcess, startRegistry } from '@rondo/harness';
import { Metadata } from '@rondo/rpc/call';
import { type Client, createClient, createRegistryChannel } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { startService } from '@rondo/service';
import { patientClock } from '../../packages/rpc/test/support/patient-clock.js';
import { countsOf, LONG_BYTES, startTold, Told, type ToldService, type Way, withoutIds } from './src/told-service.js';

let registry: ServiceProcess;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.stop());

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** How calls come to a service that starts with `environment`: only a call of its own has HTTP's headers. */
async function startAdder(environment: Readonly<Record<string, string>>) {
  const ways: string[] = [];
  const adder = standIn(AdderServiceDefinition, {
    add({ a, b }, { metadata }) {
      ways.push(metadata.has('user-agent') ? 'grpc' : 'tunnel');
      return { result: a + b };
    },
  });
  const service = await startService({
    name: 'adder',
    port: 0,
    environment: { RONDO_LISTEN: '127.0.0.1:0', RONDO_DRAIN_WAIT_MS: '0', RONDO_LOG_LEVEL: 'silent', ...environment },
    createApp: () => ({ services: [adder] }),
  });
  closers.push(() => service.drain());
  return ways;
}

describe('a client that finds a service in the registry', () => {
  it.each([
    { way: 'tunnel', by: 'default', environment: {}, options: {} },
    { way: 'grpc', by: 'RONDO_TRANSPORT of the service', environment: { RONDO_TRANSPORT: 'grpc' }, options: {} },
    { way: 'grpc', by: 'the option of the channel', environment: {}, options: { tunnel: false } },
  ])('calls it by $way: $by', async ({ way, environment, options }) => {
    const ways = await startAdder({ RONDO_REGISTRY: registry.address, ...environment });
    const channel = createRegistryChannel({ registry: [registry.address], clock: patientClock, ...options });
    closers.push(() => channel.close());
    const client = createClient(AdderServiceDefinition, { channel });
    // The first calls come before the tunnel is open.
    for (let left = 50; left > 0; left -= 1) expect(await client.add({ a: 2n, b: 3n })).toEqual({ result: 5n });
    expect(ways.at(-1)).toBe(way);
  });
});

type ToldClient = Client<typeof Told>;
type Request = Parameters<typeof UnaryRequest.fromPartial>[0];

/** Each status code with details, a fault of the handler, and what succeeds. */
const REQUESTS: readonly Request[] = [
  ...Array.from({ length: 16 }, (_, index) => ({
    behaviour: { code: index + 1, message: `said by ${index + 1}: grüße 👋`, errorReason: `REASON_${index + 1}` },
  })),
  { behaviour: { throwUnknown: true } },
  {},
  { text: 'hello', payload: Buffer.alloc(50_000, 'p') },
  { text: 'long' },
];

/** What differs from reply to reply. */
const VARIES = new Set(['endpoint-load-metrics-bin', 'date', 'content-type']);

const entriesOf = (metadata: Metadata | undefined) =>
  [...(metadata ?? [])]
    .filter(([key]) => !VARIES.has(key))
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : Buffer.from(value).toString('hex')}`)
    .sort();

/** What a caller gets of a call. */
async function outcomeOf(
  client: ToldClient,
  request: Request,
  options: { timeoutMs?: number; signal?: AbortSignal } = {},
) {
  let header: Metadata | undefined;
  let trailer: Metadata | undefined;
  const metadata = new Metadata([
    ['x-sent', 'a'],
    ['x-sent', 'b'],
    ['x-sent-bin', Buffer.from([0, 255])],
    ['x-sent-bin', Buffer.from([7])],
  ]);
  try {
    const reply = await client.unary(request, {
      metadata,
      onHeader: (received) => {
        header = received;
      },
      onTrailer: (received) => {
        trailer = received;
      },
      ...options,
    });
    return { reply, header: entriesOf(header), trailer: entriesOf(trailer) };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const { codeName, message, details, origin } = error;
    const text = withoutIds(message);
    return { codeName, text, details, origin, header: entriesOf(error.header), trailer: entriesOf(error.metadata) };
  }
}

/** All that a caller, the log and the metrics of `service` have of the same calls, made in one way. */
async function observe(way: Way, client: ToldClient, service: ToldService) {
  await eventually(async () => {
    await client.unary({});
    expect(service.ways.at(-1)).toBe(way);
  });
  const ended = () => service.lines.filter(({ message }) => message !== 'the handler failed');
  await eventually(() => expect(ended()).toHaveLength(service.ways.length));
  service.lines.length = 0;
  service.ways.length = 0;
  const before = await countsOf(service);
  const outcomes: unknown[] = [];
  for (const request of REQUESTS) outcomes.push(await outcomeOf(client, request));
  // Long enough for the call to reach its handler.
  outcomes.push(await outcomeOf(client, { text: 'never' }, { timeoutMs: 5_000 }));
  await eventually(() => expect(ended()).toHaveLength(REQUESTS.length + 1));
  const caller = new AbortController();
  const abandoned = outcomeOf(client, { text: 'never' }, { signal: caller.signal });
  await eventually(() => expect(service.ways).toHaveLength(REQUESTS.length + 2));
  caller.abort();
  outcomes.push(await abandoned);
  await eventually(() => expect(ended()).toHaveLength(REQUESTS.length + 2));
  expect(new Set(service.ways)).toEqual(new Set([way]));
  const counts = [...(await countsOf(service))].map(([name, count]) => [name, count - (before.get(name) ?? 0)]);
  // A client that has just connected also watches the service's health.
  const ofCalls = counts.filter(([name, count]) => count !== 0 && !String(name).includes('grpc.health.v1'));
  return { outcomes, lines: [...service.lines], counts: ofCalls };
}

describe('a call through a tunnel', () => {
  async function startBoth() {
    const service = await startTold({ registry: registry.address });
    closers.push(() => service.drain());
    const [tunnel, grpc] = [true, false].map((tunnelled) => {
      const channel = createRegistryChannel({ registry: [registry.address], clock: patientClock, tunnel: tunnelled });
      closers.push(() => channel.close());
      return createClient(Told, { channel });
    });
    if (tunnel === undefined || grpc === undefined) throw new Error('there are two clients');
    return { service, clients: { tunnel, grpc } };
  }

  it('has the same code, details, metadata, log line and metrics as a gRPC call of its own', async () => {
    const { service, clients } = await startBoth();
    const tunnelled = await observe('tunnel', clients.tunnel, service);
    const plain = await observe('grpc', clients.grpc, service);
    expect(tunnelled.outcomes).toEqual(plain.outcomes);
    expect(tunnelled.lines).toEqual(plain.lines);
    expect(tunnelled.counts).toEqual(plain.counts);
    // Something was compared.
    expect(plain.outcomes[4]).toMatchObject({ codeName: 'NOT_FOUND', details: [{ typeUrl: expect.any(String) }] });
    expect(plain.outcomes.at(-3)).toMatchObject({ reply: { payload: { length: LONG_BYTES } } });
    expect(plain.outcomes.at(-2)).toMatchObject({ codeName: 'DEADLINE_EXCEEDED' });
    expect(plain.lines).toContainEqual(expect.objectContaining({ code: 'DATA_LOSS', level: 'error' }));
    expect(plain.counts).toHaveLength(17); // One for each status.
  });

  describe('by a service', () => {
    let folder: string;
    /** Why there is no Go client on this machine; undefined if there is one. */
    let missing: string | undefined;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'rondo-go-'));
      const cwd = join(root, 'lab/clients/status');
      missing = await promisify(execFile)('go', ['build', '-o', join(folder, 'client'), '.'], { cwd }).then(
        () => undefined,
        (error: unknown) => String(error).split('\n', 2).join(' '),
      );
      if (missing !== undefined)
        process.stdout.write(`SKIPPED: tunnelled calls as a Go client sees them: ${missing}\n`);
    });
    afterAll(() => rm(folder, { recursive: true }));

    /** Starts a service that passes its calls on by `client`; its address. */
    async function startFront(client: ToldClient): Promise<string> {
      const front = await startTold({
        registry: registry.address,
        register: false,
        async handle(request, { metadata, header }) {
          const sent = new Metadata([...metadata].filter(([key]) => key.startsWith('x-sent')));
          try {
            return await client.unary(request, { metadata: sent, onHeader: (received) => copy(received, header) });
          } catch (error) {
            if (!(error instanceof RpcError)) throw error;
            throw new RpcError(error.code, error.message, { details: error.details });
          }
        },
      });
      closers.push(() => front.drain());
      return front.address;
    }

    /** What a client in Go gets of each request. */
    async function seenFromGo(address: string, limit: string, requests: readonly Request[]): Promise<unknown[]> {
      const encoded = requests.map((request) =>
        Buffer.from(UnaryRequest.encode(UnaryRequest.fromPartial(request)).finish()).toString('hex'),
      );
      const args = [address, `/${Told.fullName}/Unary`, limit, ...encoded];
      const { stdout } = await promisify(execFile)(join(folder, 'client'), args, { maxBuffer: 2 ** 26 });
      return stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line, (key, value) => (VARIES.has(key) ? undefined : withoutIds(value))));
    }

    it('shows a client in Go what a gRPC call does', async () => {
      if (missing !== undefined) return expect(missing).toContain('go');
      const { service, clients } = await startBoth();
      const seen: unknown[][] = [];
      for (const way of ['tunnel', 'grpc'] as const) {
        const address = await startFront(clients[way]);
        await eventually(async () => {
          await clients[way].unary({});
          expect(service.ways.at(-1)).toBe(way);
        });
        service.ways.length = 0;
        const answered = await seenFromGo(address, '30s', REQUESTS);
        // Go may end the call itself before it has the server's words.
        const [late] = await seenFromGo(address, '500ms', [{ text: 'never' }]);
        expect(new Set(service.ways)).toEqual(new Set([way]));
        expect(late).toMatchObject({ code: 'DeadlineExceeded' });
        seen.push(answered);
      }
      expect(seen[0]).toEqual(seen[1]);
      expect(seen[1]?.[4]).toMatchObject({ code: 'NotFound', header: { 'x-header': ['from the handler'] } });
      expect(seen[1]).toHaveLength(REQUESTS.length);
    });
  });
});

function copy(from: Metadata | undefined, to: Metadata): void {
  for (const [key, value] of from ?? []) if (key.startsWith('x-')) to.append(key, value);
}
