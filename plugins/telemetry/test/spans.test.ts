/** Tracing as a process's environment asks for it, with real exporters and a collector that isn't always well. */

import { afterEach, expect, it } from '@jest/globals';
import { propagation, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { BYTES, type ServiceDefinition, undecidedParent } from '@rondo/rpc/internal';
import { createRouter, implement, serve } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { startService, text, variable } from '@rondo/service';
import { recordingLogger } from '../../../packages/service/test/recording-logger.js';
import { telemetry } from '../src/exports/index.js';
import { startCollector } from './collector.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TOKEN = 'a-token-that-no-span-may-hold';
const before = { ...process.env };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  process.env = { ...before };
});

/** An adder whose process has these variables, and a client that asks for a certain trace. */
async function start(
  variables: Readonly<Record<string, string>>,
  add = ({ a, b }: { a: bigint; b: bigint }) => ({ result: a + b }),
) {
  Object.assign(process.env, variables);
  const { log, lines, fields } = recordingLogger();
  const service = await startService({
    name: 'adder',
    port: 0,
    environment: {
      RONDO_REGISTRY: '127.0.0.1:1',
      RONDO_INSTANCE_ID: 'adder-1',
      RONDO_ZONE: 'eu-west/a',
      RONDO_VERSION: '2.1.0',
      ADDER_TOKEN: TOKEN,
      RONDO_METRICS: '127.0.0.1:0',
      RONDO_DRAIN_WAIT_MS: '0',
      ...variables,
    },
    log,
    plugins: [telemetry],
    variables: { token: variable('ADDER_TOKEN', text, { secret: true }) },
    createApp: () => ({ services: [implement(AdderServiceDefinition, { add })] }),
  });
  const channel = createChannel({ resolver: staticResolver([service.address]) });
  closers.push(
    () => service.drain(),
    () => channel.close(),
  );
  const client = createClient(AdderServiceDefinition, { channel });
  const call = () => client.add({ a: 2n, b: 3n }, { metadata: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` } });
  return { service, client, call, lines, fields };
}

async function collector() {
  const made = await startCollector();
  closers.push(() => made.close());
  return made;
}

it('says that the address of the collector is wrong, of spans and of metrics', async () => {
  const { lines } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'nonsense', OTEL_METRICS_EXPORTER: 'otlp' });
  expect(lines.filter((line) => line.startsWith('warn: ') && line.includes("'nonsense'"))).toHaveLength(2);
});

it('sends the spans of its calls, as spans of its instance', async () => {
  const { url, spans } = await collector();
  const { service, call } = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_RESOURCE_ATTRIBUTES: 'team=blue',
  });
  await call();
  await service.drain();
  const server = spans().find(({ kind }) => kind === 2);
  expect(server).toMatchObject({
    name: 'rondo.conformance.v1.AdderService/Add',
    traceId: TRACE,
    attributes: { 'rpc.system.name': 'grpc', 'rpc.response.status_code': 'OK' },
    resource: {
      'service.name': 'adder',
      'service.instance.id': 'adder-1',
      'service.version': '2.1.0',
      'cloud.region': 'eu-west',
      'cloud.availability_zone': 'a',
      team: 'blue',
    },
  });
  // The client is in this process, too. Its span is the parent.
  expect(spans().filter(({ traceId }) => traceId === TRACE)).toHaveLength(2);
});

it('begins the trace of a caller that does not trace, as the sampler says, with the id that the caller logs', async () => {
  const { url, spans } = await collector();
  const { service, client } = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  });
  await client.add({ a: 2n, b: 3n }, { metadata: { traceparent: undecidedParent(TRACE) } });
  await service.drain();
  expect(spans().map(({ traceId }) => traceId)).toEqual([TRACE, TRACE]);
});

it('sends them as protobuf unless told otherwise', async () => {
  const { url, bodies } = await collector();
  const { service, call } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
  await call();
  await service.drain();
  expect(Buffer.concat(bodies).includes(Buffer.from(TRACE, 'hex'))).toBe(true);
});

it('sends them over gRPC', async () => {
  const received: Uint8Array[] = [];
  const definition: ServiceDefinition = {
    name: 'TraceService',
    fullName: 'opentelemetry.proto.collector.trace.v1.TraceService',
    methods: {
      export: {
        name: 'Export',
        requestType: BYTES,
        requestStream: false,
        responseType: BYTES,
        responseStream: false,
        options: {},
      },
    },
  };
  const handlers = {
    export(request: Uint8Array) {
      received.push(request);
      return new Uint8Array();
    },
  };
  const server = await serve(createRouter({ services: [{ definition, handlers }] }), { listen: '127.0.0.1:0' });
  closers.push(() => server.drain(0));
  const { service, call } = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://${server.address}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
  });
  await call();
  await service.drain();
  expect(Buffer.concat(received).includes(Buffer.from(TRACE, 'hex'))).toBe(true);
});

it('samples what begins a trace as it is told, and traces nothing if it is told so', async () => {
  const { url, bodies } = await collector();
  const off = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_TRACES_EXPORTER: 'none' });
  await off.call();
  await off.service.drain();
  const disabled = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_SDK_DISABLED: 'true',
  });
  await disabled.call();
  await disabled.service.drain();
  const ratio = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };
  const seldom = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_SDK_DISABLED: '',
    ...ratio,
  });
  await seldom.client.add({ a: 1n, b: 2n });
  await seldom.service.drain();
  expect(bodies).toEqual([]);
});

it('tells of a variable that is wrong', async () => {
  const { lines } = await start({ OTEL_TRACES_EXPORTER: 'zipkin', OTEL_TRACES_SAMPLER: 'sometimes' });
  expect(lines.filter((line) => line.includes('OTEL_'))).toEqual([
    expect.stringContaining('OTEL_TRACES_EXPORTER=zipkin'),
    expect.stringContaining('OTEL_TRACES_SAMPLER value "sometimes" invalid'),
  ]);
});

it('holds no secret of the process', async () => {
  const { url, bodies } = await collector();
  const { service, call } = await start(
    { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
    () => {
      const own = trace.getTracer('own').startSpan(`with ${TOKEN}`);
      const attributes = { list: ['first', `second ${TOKEN}`] };
      own.setAttributes(attributes).addEvent(`sent ${TOKEN}`, attributes);
      own.addLink({ context: own.spanContext(), attributes });
      own.recordException(new Error(`no ${TOKEN}`));
      own.end();
      throw new RpcError(Status.UNAVAILABLE, `the token ${TOKEN} is refused`);
    },
  );
  await expect(call()).rejects.toThrow('is refused');
  await service.drain();
  const sent = Buffer.concat(bodies).toString();
  for (const text of [
    'the token (hidden) is refused',
    'with (hidden)',
    'second (hidden)',
    'sent (hidden)',
    'no (hidden)',
  ])
    expect(sent).toContain(text);
  expect(sent).not.toContain(TOKEN);
});

it.each([
  ['refuses all', 400],
  ['wants fewer', 429],
  ['is broken', 500],
  ['is away', 'away'],
  ['never answers', 'never'],
] as const)(
  'loses spans to a collector that %s, and no call: they are counted, and the log has one line',
  async (_what, answer) => {
    const { url, answers, spans, bodies } = await collector();
    answers(answer);
    const { service, call, lines, fields } = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TIMEOUT: '200',
      OTEL_BSP_SCHEDULE_DELAY: '10',
      OTEL_BSP_MAX_QUEUE_SIZE: '16',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '8',
    });
    const warned = () => lines.filter((line) => line.includes('spans are lost'));
    while (warned().length === 0) await Promise.all(Array.from({ length: 50 }, call));
    for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 50 }, call));
    expect(warned()).toHaveLength(1);
    const counted = await (await fetch(`http://${service.metricsAddress}/metrics`)).text();
    expect(counted).toMatch(/^otel_sdk_processor_span_processed_total\{[^}]*error_type="\w+"[^}]*\} [1-9]/m);
    bodies.length = 0;
    answers(200);
    while (!lines.some((line) => line.includes('spans are sent again'))) await call();
    expect(fields).toContainEqual(
      expect.objectContaining({ message: 'spans are sent again', lost: expect.any(Number) }),
    );
    expect(spans().length).toBeGreaterThan(0);
  },
);

it('gives its spans to the SDK that the process has set up by itself, and starts none', async () => {
  const { url, bodies } = await collector();
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const { service, call } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
  await call();
  const ids = exporter.getFinishedSpans().map((span) => span.spanContext().traceId);
  await service.drain();
  trace.disable();
  propagation.disable();
  expect(ids).toEqual([TRACE, TRACE]);
  expect(bodies).toEqual([]);
});
