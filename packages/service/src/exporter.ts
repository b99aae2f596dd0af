import type { Attributes, Meter, TextMapPropagator } from '@opentelemetry/api';
import type { Logger } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import type { OTLP_PROTOCOLS } from './config/shared.js';
import type { Environment } from './config/variables.js';
import type { MetricData } from './metrics/instruments.js';
import { type Plugin, pickPlugin } from './plugin.js';
import type { FinishedSpan } from './tracing/tracer.js';

/** A plugin that sends spans and metrics to a collector. */
export interface Exporter extends Plugin {
  readonly kind: 'exporter';
  /** Opens the exporters of spans that `names` lists. */
  openSpans(options: SpanExportOptions): Promise<SpanExport>;
  /** Sends the metrics again and again. The returned function sends them for the last time. */
  openMetrics(options: MetricExportOptions): Promise<() => Promise<void>>;
}

/** What every export needs of its process. */
export interface ExportOptions {
  /** What the collector knows the process by. */
  readonly resource: Attributes;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How spans are sent. */
export interface SpanExportOptions extends ExportOptions {
  /** Of those that `OTEL_TRACES_EXPORTER` may name. */
  readonly names: readonly (typeof SPAN_EXPORTERS)[number][];
  /** Counts the spans that are sent and lost. */
  readonly meter: Meter;
}

/** Where the tracer puts spans that have ended. */
export interface SpanExport {
  /** Passes traces on to other processes, with what else the collector's users expect, such as baggage. */
  readonly propagator: TextMapPropagator;
  add(span: FinishedSpan): void;
  /** Sends the spans that are left. */
  close(): Promise<void>;
}

/** How metrics are sent. */
export interface MetricExportOptions extends ExportOptions, Push {
  collect(): Promise<{ readonly metrics: readonly MetricData[] }>;
}

/** The way of metrics to a collector, and how often they take it. */
export interface Push {
  readonly protocol: (typeof OTLP_PROTOCOLS)[number];
  readonly intervalMs: number;
}

/** The names that `OTEL_TRACES_EXPORTER` may give, but for `none`. */
export const SPAN_EXPORTERS = ['otlp', 'console'] as const;

/**
 * The exporter among an app's plugins. `variable` needs it.
 *
 * @throws ConfigurationError that says how to add it, if there is none.
 */
export function exporterAmong(plugins: readonly Plugin[], variable: string): Exporter {
  const is = (plugin: Plugin): plugin is Exporter => plugin.kind === 'exporter';
  return pickPlugin(plugins, { is, variable, package: '@rondo/telemetry' });
}
