import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Exporter } from '@rondo/service';
import { Batches } from './batches.js';
import { resourceOf } from './resource.js';
import { withWarnings } from './warnings.js';

type SpanExportOptions = Parameters<Exporter['openSpans']>[0];

/** Opens the exporters of spans. They read where to from `OTEL_EXPORTER_OTLP_ENDPOINT` and its kin by themselves. */
export async function openSpans(options: SpanExportOptions): ReturnType<Exporter['openSpans']> {
  const resource = resourceOf(options.resource);
  const opening = options.names.map((name) => open[name === 'console' ? name : protocolOf(options)]);
  const exporters = await withWarnings(options.log, () => Promise.all(opening.map((one) => one())));
  const ways = exporters.map((exporter) => new Batches(exporter, options));
  return {
    propagator: new CompositePropagator({
      propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
    }),
    add(span) {
      const read = Object.assign(span, { resource });
      for (const way of ways) way.add(read);
    },
    async close() {
      await Promise.all(ways.map((way) => way.close()));
    },
  };
}

/** Each is loaded on demand. A bundle finds no names in what it loads so, but for the module as a whole. */
const open = {
  console: async () => new (await import('@opentelemetry/sdk-trace-base')).default.ConsoleSpanExporter(),
  grpc: async () => new (await import('@opentelemetry/exporter-trace-otlp-grpc')).default.OTLPTraceExporter(),
  'http/json': async () => new (await import('@opentelemetry/exporter-trace-otlp-http')).default.OTLPTraceExporter(),
  'http/protobuf': async () =>
    new (await import('@opentelemetry/exporter-trace-otlp-proto')).default.OTLPTraceExporter(),
} satisfies Readonly<Record<string, () => Promise<SpanExporter>>>;

function protocolOf({ environment }: SpanExportOptions): 'grpc' | 'http/json' | 'http/protobuf' {
  const given = environment['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? environment['OTEL_EXPORTER_OTLP_PROTOCOL'];
  return given === 'grpc' || given === 'http/json' ? given : 'http/protobuf';
}
