import { context, isSpanContextValid, propagation, trace } from '@opentelemetry/api';
import { withTimeout } from '@rondo/base';
import type { ServiceImplementation } from '@rondo/rpc/server';
import { createContextManager, traceCalls } from '@rondo/rpc/tracing';
import { createMask } from '../config/secrets.js';
import { exporterAmong, SPAN_EXPORTERS, type SpanExport, type SpanExportOptions } from '../exporter.js';
import type { ServiceRuntime } from '../lifecycle/service.js';
import type { Plugin } from '../plugin.js';
import { hideSecrets } from './hide-secrets.js';
import { samplerOf } from './sampler.js';
import { traceContext } from './trace-context.js';
import { TraceRing } from './trace-ring.js';
import { createTraceService } from './trace-service.js';
import { createTracers, type FinishedSpan } from './tracer.js';

/** What tracing needs of its process. */
export interface TracingOptions extends Omit<SpanExportOptions, 'names'> {
  readonly runtime: Pick<ServiceRuntime, 'instanceId' | 'startedAt' | 'config' | 'wallClock'>;
  /** Texts that no span may hold. */
  readonly secrets: readonly string[];
  /** An exporter is among them, if a variable asks for one. */
  readonly plugins: readonly Plugin[];
}

/** The tracing of a process. */
export interface Tracing {
  /** Tells the spans that the process keeps; undefined if it keeps none. */
  readonly service?: ServiceImplementation;
  /** Sends the spans that are left. */
  close(): Promise<void>;
}

/** How long a process that ends waits for its collector. Milliseconds. */
const FLUSH_MS = 2_000;
const OFF: Tracing = { close: async () => undefined };

/**
 * Traces the calls of a process if the standard variables of OpenTelemetry, of which one is set, ask for it, or `RONDO_RECENT_BYTES`. An SDK that
 * the process has set up by itself before gets the spans; otherwise Rondo's tracer makes them, keeps them, and gives them to the exporter.
 *
 * Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 *
 * @throws ConfigurationError if spans are to be sent, and the app has no plugin that does it.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { environment, runtime, secrets, clock, log } = options;
  const maxBytes = Math.ceil((runtime.config.recentBytes * 4) / 5);
  if (environment['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return OFF;
  if (hasProvider()) {
    if (maxBytes > 0)
      log.warn({}, 'RONDO_RECENT_BYTES keeps no spans: the process has an OpenTelemetry SDK, which has them');
    traceCalls();
    return OFF;
  }
  const sent = await openExport(options);
  const sampler = samplerOf(environment, (text) => log.warn({}, text));
  if (maxBytes === 0 && sent === undefined) return OFF;
  const { startedAt, instanceId, wallClock } = runtime;
  const ring = maxBytes === 0 ? undefined : new TraceRing({ maxBytes, secrets, startedAt });
  const hide = createMask(secrets);
  const onEnd = (span: FinishedSpan) => {
    ring?.add(span);
    if (sent !== undefined && secrets.length > 0) hideSecrets(span, hide);
    sent?.add(span);
  };
  trace.setGlobalTracerProvider(createTracers({ clock, wallClock, sampler, onEnd }));
  context.setGlobalContextManager(createContextManager());
  propagation.setGlobalPropagator(sent?.propagator ?? traceContext);
  traceCalls({ plain: true });
  return {
    ...(ring && { service: createTraceService(ring, instanceId) }),
    async close() {
      for (const api of [trace, context, propagation]) api.disable();
      if (sent === undefined) return;
      await withTimeout(() => sent.close(), { clock, timeoutMs: FLUSH_MS }).catch((error: unknown) => {
        log.info({ err: error }, 'the last spans could not be sent');
      });
    },
  };
}

/** Whether a tracer provider is registered: the process has set up an SDK by itself. */
function hasProvider(): boolean {
  // Only a span of an SDK has an id. This one never ends, so it is never sent.
  return isSpanContextValid(trace.getTracer('@rondo/service').startSpan('probe').spanContext());
}

/** Opens the exporters that the environment names; undefined if it names none. An address of a collector alone asks for OTLP. */
async function openExport(options: TracingOptions): Promise<SpanExport | undefined> {
  const { environment, plugins, log } = options;
  const isSet = (name: string) => (environment[name]?.trim() ?? '') !== '';
  const variable = ['OTEL_TRACES_EXPORTER', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'].find(
    isSet,
  );
  if (variable === undefined) return undefined;
  const given = variable === 'OTEL_TRACES_EXPORTER' ? environment[variable] : 'otlp';
  const asked = (given ?? '').split(',').map((name) => name.trim().toLowerCase());
  const names = SPAN_EXPORTERS.filter((name) => asked.includes(name));
  for (const name of asked.filter((one) => !['', 'none', ...SPAN_EXPORTERS].includes(one)))
    log.warn({}, `OTEL_TRACES_EXPORTER=${name} is not known: give otlp, console or none`);
  return names.length === 0 ? undefined : exporterAmong(plugins, variable).openSpans({ ...options, names });
}
