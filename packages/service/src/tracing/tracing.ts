import type { Meter } from '@opentelemetry/api';
import type { Logger } from '@rondo/rpc/call';
import type { Environment } from '../config/variables.js';
import type { ServiceRuntime } from '../lifecycle/service.js';

/** What tracing needs of its process. */
export interface TracingOptions {
  readonly runtime: Pick<ServiceRuntime, 'name' | 'instanceId' | 'config' | 'clock'>;
  readonly environment: Environment;
  /** Texts that no span may hold. */
  readonly secrets: readonly string[];
  readonly meter: Meter;
  readonly log: Logger;
}

/** The tracing of a process. */
export interface Tracing {
  /** Sends the spans that are left. */
  close(): Promise<void>;
}

const OFF: Tracing = { close: async () => undefined };

/**
 * Traces the calls of a process if the standard variables of OpenTelemetry, of which one is set, ask for it. An SDK that the process has set up by itself
 * before gets the spans; otherwise this starts one.
 *
 * Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { environment } = options;
  if (environment['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return OFF;
  // Loaded on demand: the SDK takes a large part of a process's start time.
  const { hasProvider, startSdk } = await import('./sdk.js');
  const own = hasProvider() ? [] : exportersIn(environment);
  if (own.length === 0 && !hasProvider()) return OFF;
  const tracing = own.length === 0 ? OFF : startSdk(own, options);
  const { traceCalls } = await import('@rondo/rpc/tracing');
  traceCalls();
  return tracing;
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
