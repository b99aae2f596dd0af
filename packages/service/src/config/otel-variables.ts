import { integer, oneOf } from './parsers.js';
import { optionalVariable, variable } from './variables.js';

/** The ways in which OTLP travels. */
export const OTLP_PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;

/**
 * OpenTelemetry's own variables, as far as they decide what a process does. The SDK reads those of the way to the collector:
 * `OTEL_EXPORTER_OTLP_ENDPOINT`, `…_HEADERS`, `…_TIMEOUT`, `…_CERTIFICATE`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`.
 *
 * Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export const otelVariables = {
  metricsExporter: variable('OTEL_METRICS_EXPORTER', oneOf(['otlp', 'none']), {
    default: 'none',
    description: 'Whether metrics are sent to a collector; to let Prometheus read them, set RONDO_METRICS.',
  }),
  metricsIntervalMs: variable('OTEL_METRIC_EXPORT_INTERVAL', integer({ min: 100, max: 3_600_000 }), {
    default: 60_000,
    description: 'How often metrics are sent, in milliseconds.',
  }),
  otlpProtocol: variable('OTEL_EXPORTER_OTLP_PROTOCOL', oneOf(OTLP_PROTOCOLS), {
    default: 'http/protobuf',
    description: 'How OTLP travels.',
  }),
  otlpMetricsProtocol: optionalVariable('OTEL_EXPORTER_OTLP_METRICS_PROTOCOL', oneOf(OTLP_PROTOCOLS), {
    example: 'grpc',
    description: 'How OTLP travels for metrics, if not as the rest.',
  }),
} as const;
