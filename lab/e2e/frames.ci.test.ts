import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { UnaryRequest } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { eventually, type ServiceProcess, startRegistry } from '@rondo/harness';
import { Metadata } from '@rondo/rpc/call';
import { type Client, createClient, createRegistryChannel } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';
import { patientClock } from '../../packages/rpc/test/support/patient-clock.js';
import {
  countsOf,
  LONG_BYTES,
  Scripted,
  type ScriptedService,
  startScripted,
  type Way,
  withoutIds,
} from './src/scripted-service.js';

const closers: (() => unknown)[] = [];
let registry: ServiceProcess;
beforeAll(async () => {
  registry = await startRegistry();
  closers.push(() => registry.stop());
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

type ScriptedClient = Client<typeof Scripted>;
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
  client: ScriptedClient,
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
async function observe(way: Way, client: ScriptedClient, service: ScriptedService) {
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

it('a call by frames has the same code, details, metadata, log line and metrics as a gRPC call', async () => {
  const service = await startScripted(registry.address);
  closers.push(() => service.drain());
  const observeBy = (way: Way) => {
    const frames = way === 'frames';
    const channel = createRegistryChannel({ registry: [registry.address], clock: patientClock, frames });
    closers.push(() => channel.close());
    return observe(way, createClient(Scripted, { channel }), service);
  };
  const framed = await observeBy('frames');
  const plain = await observeBy('grpc');
  expect(framed.outcomes).toEqual(plain.outcomes);
  expect(framed.lines).toEqual(plain.lines);
  expect(framed.counts).toEqual(plain.counts);
  // Something was compared.
  expect(plain.outcomes[4]).toMatchObject({ codeName: 'NOT_FOUND', details: [{ typeUrl: expect.any(String) }] });
  expect(plain.outcomes.at(-3)).toMatchObject({ reply: { payload: { length: LONG_BYTES } } });
  expect(plain.outcomes.at(-2)).toMatchObject({ codeName: 'DEADLINE_EXCEEDED' });
  expect(plain.lines).toContainEqual(expect.objectContaining({ code: 'DATA_LOSS', level: 'error' }));
  expect(plain.counts).toHaveLength(17); // One for each status.
});
