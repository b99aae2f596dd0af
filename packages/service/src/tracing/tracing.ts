import { isSpanContextValid, type Meter, trace } from '@opentelemetry/api';
import type { Logger } from '@rondo/rpc/call';
import type { ServiceImplementation } from '@rondo/rpc/server';
import type { Environment } from '../config/variables.js';
import type { ServiceRuntime } from '../lifecycle/service.js';
import { TraceRing } from './trace-ring.js';
import { createTraceService } from './trace-service.js';

/** What tracing needs of its process. */
export interface TracingOptions {
  readonly runtime: Pick<ServiceRuntime, 'name' | 'instanceId' | 'startedAt' | 'config' | 'clock' | 'wallClock'>;
  readonly environment: Environment;
  /** Texts that no span may hold. */
  readonly secrets: readonly string[];
  readonly meter: Meter;
  readonly log: Logger;
}

/** The tracing of a process. */
export interface Tracing {
  /** Tells the spans that the process keeps; undefined if it keeps none. */
  readonly service?: ServiceImplementation;
  /** Sends the spans that are left. */
  close(): Promise<void>;
}

const OFF: Tracing = { close: async () => undefined };

/**
 * Traces the calls of a process if the standard variables of OpenTelemetry, of which one is set, ask for it, or `RONDO_TRACE_BYTES`. An SDK that
 * the process has set up by itself before gets the spans; otherwise this starts one, or a plain tracer if the spans are only kept.
 *
 * Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { environment, runtime, secrets, log } = options;
  const { traceBytes } = runtime.config;
  if (environment['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return OFF;
  const foreign = hasProvider();
  if (foreign && traceBytes > 0)
    log.warn(
      {},
      'RONDO_TRACE_BYTES has no effect: the process has an OpenTelemetry SDK of its own, which has the spans',
    );
  const { startedAt } = runtime;
  const ring = foreign || traceBytes === 0 ? undefined : new TraceRing({ maxBytes: traceBytes, secrets, startedAt });
  const exporters = foreign ? [] : exportersIn(environment);
  if (!foreign && ring === undefined && exporters.length === 0) return OFF;
  const close = foreign ? OFF.close : await startTracer(exporters, ring, options);
  const { traceCalls } = await import('@rondo/rpc/tracing');
  traceCalls({ plain: !foreign });
  return { close, ...(ring && { service: createTraceService(ring, runtime.instanceId) }) };
}

/** Whether a tracer provider is registered: the process has set up an SDK by itself. */
function hasProvider(): boolean {
  // Only a span of an SDK has an id. This one never ends, so it is never sent.
  return isSpanContextValid(trace.getTracer('@rondo/service').startSpan('probe').spanContext());
}

/** Each is loaded on demand: the SDK takes a large part of a process's start time. */
async function startTracer(exporters: readonly string[], ring: TraceRing | undefined, options: TracingOptions) {
  const isSampled = (options.environment['OTEL_TRACES_SAMPLER'] ?? '') !== '';
  if (ring === undefined || exporters.length > 0 || isSampled) {
    const { startSdk } = await import('./sdk.js');
    return startSdk(exporters, ring, options);
  }
  const { startOwnTracer } = await import('./own-tracer.js');
  const stop = startOwnTracer((span) => ring.add(span), options.runtime);
  return async () => stop();
}

/** The exporters that the environment names. An address of a collector alone asks for OTLP. */
function exportersIn(environment: Environment): readonly string[] {
  const text = environment['OTEL_TRACES_EXPORTER']?.trim() ?? '';
  const names = text === '' ? [] : text.split(',').map((name) => name.trim().toLowerCase());
  if (names.length > 0) return names.filter((name) => name !== 'none' && name !== '');
  const endpoint =
    environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? environment['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '';
  return endpoint.trim() === '' ? [] : ['otlp'];
}
