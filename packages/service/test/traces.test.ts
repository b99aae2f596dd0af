/** The spans that a process keeps, as `rondo.tracing.v1.TraceService` tells them. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { context, trace } from '@opentelemetry/api';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { type Span, SpanKind, TraceServiceDefinition } from '@rondo/contracts/rondo/tracing/v1/tracing';
import { createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { cleanUp, closeAll, dial, start } from './started.js';

afterEach(closeAll);

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const ADD = 'rondo.conformance.v1.AdderService/Add';
const TRACED = { RONDO_RECENT_BYTES: '327680' };
const parent = (flags: string, rest = '') => ({ traceparent: `00-${TRACE}-${CALLER}-${flags}${rest}` });

/** An adder that keeps its spans, and has one of its own. This process's calls have spans, too: it is the adder's. */
async function tracedAdder(environment: Readonly<Record<string, string>> = TRACED) {
  const { service, client, lines } = await start({
    environment,
    async add({ a, b }) {
      if (a === 13n) throw new RpcError(Status.UNAVAILABLE, 'away');
      const add = async () => trace.getTracer('adder').startActiveSpan('inner', async (span) => span.end());
      await trace.getTracer('adder').startActiveSpan('outer', { attributes: { a: Number(a) } }, async (span) => {
        await add();
        span.addEvent('added', { b: Number(b) }).end();
      });
      return { result: a + b };
    },
  });
  const traces = createClient(TraceServiceDefinition, { channel: dial(service.address) });
  const spansOf = async (traceId = TRACE) => (await traces.getTrace({ traceId })).spans;
  return { service, client, traces, spansOf, lines };
}

/** The spans by name and kind, each with that of its parent. */
function lineage(spans: readonly Span[]): readonly string[] {
  const titleOf = ({ name, kind }: Span) => `${name} ${SpanKind[kind]?.slice('SPAN_KIND_'.length).toLowerCase()}`;
  const byId = new Map(spans.map((span) => [span.spanId, titleOf(span)]));
  return spans.map((span) => `${titleOf(span)} < ${byId.get(span.parentSpanId) ?? span.parentSpanId}`).sort();
}

const EXPECTED = [
  'inner internal < outer internal',
  `outer internal < ${ADD} server`,
  `${ADD} client < ${CALLER}`,
  `${ADD} server < ${ADD} client`,
];

describe.each([
  ['a tracer of its own', TRACED],
  ['a sampler', { ...TRACED, OTEL_TRACES_SAMPLER: 'parentbased_always_on' }],
])('a process with %s', (_what, environment) => {
  it('tells the spans of its calls and of its code, each below its cause', async () => {
    if ('OTEL_TRACES_SAMPLER' in environment) process.env['OTEL_TRACES_SAMPLER'] = environment.OTEL_TRACES_SAMPLER;
    cleanUp(() => delete process.env['OTEL_TRACES_SAMPLER']);
    const { client, spansOf, traces } = await tracedAdder(environment);
    await client.add({ a: 2n, b: 3n }, { metadata: parent('01') });
    const spans = await spansOf();
    expect(lineage(spans)).toEqual(EXPECTED);
    const own = spans.find(({ name }) => name === 'outer');
    expect(own).toMatchObject({
      attributes: { a: '2' },
      events: [{ name: 'added', attributes: { b: '3' } }],
      error: '',
    });
    const now = Date.now();
    for (const { startUnixMs, durationMs } of spans) {
      expect(startUnixMs + durationMs).toBeLessThanOrEqual(now + 100);
      expect(startUnixMs).toBeGreaterThan(now - 600_000);
    }
    expect((await traces.getTrace({ traceId: TRACE.slice(0, 6) })).spans).toHaveLength(4);
  });

  it('keeps none of a call whose caller does not sample it, and no bad trace', async () => {
    const { client, spansOf, traces } = await tracedAdder(environment);
    await client.add({ a: 2n, b: 3n }, { metadata: parent('00') });
    expect(await spansOf()).toEqual([]);
    for (const traceparent of ['00', `ff-${TRACE}-${CALLER}-01`, `00-${'0'.repeat(32)}-${CALLER}-01`])
      await client.add({ a: 2n, b: 3n }, { metadata: { traceparent } });
    await client.add({ a: 2n, b: 3n }, { metadata: parent('01', `-${'x'.repeat(2_000)}`) });
    expect(await spansOf()).toEqual([]);
    expect((await traces.listTraces({})).traces.map(({ spans }) => spans)).toEqual([4, 4, 4, 4]);
  });
});

it('lists its traces by page, and tells a watcher of each', async () => {
  const { client, traces } = await tracedAdder();
  const ending = new AbortController();
  const watch = traces.watchTraces({ filter: { failed: true } }, { signal: ending.signal })[Symbol.asyncIterator]();
  const next = watch.next();
  await traces.listTraces({});
  await client.add({ a: 2n, b: 3n });
  await client.add({ a: 13n, b: 3n }).catch(() => undefined);
  const first = await traces.listTraces({ pageSize: 1 });
  const second = await traces.listTraces({ pageSize: 1, pageToken: first.nextPageToken });
  expect([first, second]).toMatchObject([
    { instanceId: 'adder-1', traces: [{ name: ADD }] },
    { traces: [{ name: ADD, failedSpans: 0 }], nextPageToken: '' },
  ]);
  expect((await next).value).toMatchObject({ instanceId: 'adder-1', traces: [{ traceId: first.traces[0]?.traceId }] });
  ending.abort();
  await expect(watch.next()).rejects.toMatchObject({ code: Status.CANCELLED });
});

it.each([
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:4318'],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://127.0.0.1:4318'],
  ['OTEL_TRACES_EXPORTER', 'console'],
  ['OTEL_METRICS_EXPORTER', 'otlp'],
])('%s needs a plugin that the app has not: the start says which', async (variable, value) => {
  await expect(start({ environment: { [variable]: value } })).rejects.toThrow(
    `${variable}: needs the plugin @rondo/telemetry: run \`rondo add telemetry\``,
  );
});

it('needs no plugin for an address to which nothing is sent', async () => {
  await start({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_TRACES_EXPORTER: 'none' } });
});

it('has no such service, and no tracing, unless it is asked to keep spans', async () => {
  const { traces, client, service } = await tracedAdder({});
  await expect(traces.getTrace({ traceId: TRACE })).rejects.toMatchObject({ code: Status.UNIMPLEMENTED });
  const health = createClient(HealthDefinition, { channel: dial(service.address) });
  await client.add({ a: 2n, b: 3n }, { metadata: parent('01') });
  expect(Object.keys((await health.list({})).statuses)).not.toContain(TraceServiceDefinition.fullName);
  expect(trace.getSpanContext(context.active())).toBeUndefined();
});
