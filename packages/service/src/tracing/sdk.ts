import {
  type Attributes,
  type ContextManager,
  context,
  DiagLogLevel,
  diag,
  type MeterProvider,
  propagation,
  trace,
} from '@opentelemetry/api';
import {
  CompositePropagator,
  isTracingSuppressed,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core';
// Imported as a whole: a bundle that loads one of them on demand finds no names in it.
import { OTLPTraceExporter as OverGrpc } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as AsJson } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as AsProtobuf } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type BufferConfig,
  ConsoleSpanExporter,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { withTimeout } from '@rondo/base';
import { createContextManager, createIdGenerator } from '@rondo/rpc/tracing';
import type { Environment } from '../config/variables.js';
import { meterLosses } from './losses.js';
import { maskSpans } from './mask-spans.js';
import type { TraceRing } from './trace-ring.js';
import type { Tracing, TracingOptions } from './tracing.js';

/** How long a process that ends waits for its collector. Milliseconds. */
const FLUSH_MS = 2_000;

/** Starts OpenTelemetry's SDK with these exporters, and the ring if there is one. The SDK reads its other variables by itself. */
export function startSdk(
  names: readonly string[],
  ring: TraceRing | undefined,
  options: TracingOptions,
): Tracing['close'] {
  const { environment, secrets, meter, log, runtime } = options;
  // The SDK goes on with a default if a variable is wrong. Later it would write a line for each batch that gets lost.
  const told = (message: string) => log.warn({}, message);
  const logger = { error: told, warn: told, info: () => undefined, debug: () => undefined, verbose: () => undefined };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const exporters = names.map((name) => exporterOf(name, environment));
  for (const [index, exporter] of exporters.entries()) {
    if (exporter === undefined)
      log.warn({}, `OTEL_TRACES_EXPORTER=${names[index]} is not known: give otlp, console or none`);
  }
  const selfObsMeterProvider = meterLosses(meter, log);
  const provider = new BasicTracerProvider({
    resource: resourceOf(runtime),
    idGenerator: createIdGenerator(),
    spanProcessors: [
      ...(ring === undefined ? [] : [keepIn(ring)]),
      ...exporters.flatMap((exporter) =>
        exporter === undefined ? [] : [toProcessor(maskSpans(exporter, secrets), selfObsMeterProvider)],
      ),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(exportingOutside(createContextManager()));
  const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
  propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
  diag.disable();
  return async () => {
    const { clock } = runtime;
    await withTimeout(() => provider.shutdown(), { clock, timeoutMs: FLUSH_MS }).catch((error: unknown) => {
      log.info({ err: error }, 'the last spans could not be sent');
    });
    trace.disable();
    context.disable();
    propagation.disable();
  };
}

/**
 * `manager`, without a context for the export of spans: the SDK has one so that no instrumentation traces the export, and here there is
 * none. A process that only calls would pay for it at each promise.
 */
function exportingOutside(manager: ContextManager): ContextManager {
  return {
    ...manager,
    with: (around, work, ...rest) =>
      isTracingSuppressed(around) ? Reflect.apply(work, rest[0], rest.slice(1)) : manager.with(around, work, ...rest),
  };
}

function keepIn(ring: TraceRing): SpanProcessor {
  const nothing = async () => undefined;
  return { onStart: () => undefined, onEnd: (span) => ring.add(span), forceFlush: nothing, shutdown: nothing };
}

function toProcessor(exporter: SpanExporter, selfObsMeterProvider: MeterProvider): BatchSpanProcessor {
  const config: BufferConfig & { readonly selfObsMeterProvider: MeterProvider } = { selfObsMeterProvider };
  return new BatchSpanProcessor(exporter, config);
}

/** The exporter of a name in `OTEL_TRACES_EXPORTER`; undefined if there is none. */
function exporterOf(name: string, environment: Environment): SpanExporter | undefined {
  if (name === 'console') return new ConsoleSpanExporter();
  if (name !== 'otlp') return undefined;
  const protocol =
    environment['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? environment['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? 'http/protobuf';
  if (protocol === 'grpc') return new OverGrpc();
  return protocol === 'http/json' ? new AsJson() : new AsProtobuf();
}

/** The instance, as the registry has it. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` take precedence. */
function resourceOf({ name, instanceId, config }: TracingOptions['runtime']): Resource {
  const [region, zone] = config.zone === undefined ? [] : config.zone.split('/');
  const attributes: Attributes = {
    'service.name': name,
    'service.instance.id': instanceId,
    'process.pid': process.pid,
    ...(config.version !== '' && { 'service.version': config.version }),
    ...(region !== undefined && { 'cloud.region': region }),
    ...(zone !== undefined && { 'cloud.availability_zone': zone }),
  };
  const own = defaultResource().merge(resourceFromAttributes(attributes));
  return own.merge(detectResources({ detectors: [envDetector] }));
}
