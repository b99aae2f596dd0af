import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';

/** The units that Prometheus wants to see in a name. */
const SUFFIXES: Readonly<Record<string, string>> = { s: '.seconds', By: '.bytes', '1': '.ratio' };

/**
 * `metrics` with their units at the end of their names, as Prometheus has it; the exporter for Node leaves them out.
 *
 * Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
 */
export function withUnits(metrics: ResourceMetrics): ResourceMetrics {
  const scopeMetrics = metrics.scopeMetrics.map((scope) => ({
    ...scope,
    metrics: scope.metrics.map((metric) => {
      const suffix = SUFFIXES[metric.descriptor.unit] ?? '';
      return { ...metric, descriptor: { ...metric.descriptor, name: metric.descriptor.name + suffix } };
    }),
  }));
  return { ...metrics, scopeMetrics };
}
