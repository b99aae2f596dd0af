import { ExportResultCode } from '@opentelemetry/core';
import { OTLPMetricExporter as OverGrpc } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as AsJson } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as AsProtobuf } from '@opentelemetry/exporter-metrics-otlp-proto';
import {
  type MetricProducer,
  type MetricReader,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import type { Logger } from '@rondo/rpc/call';
import type { Push } from './metrics.js';

/** Most collectors answer within milliseconds. A value that isn't sent by then is part of the next one: all are cumulative. */
const TIMEOUT_MS = 10_000;

/** Sends metrics to a collector by OTLP. */
export function createPush({ protocol, intervalMs }: Push, observed: MetricProducer, log: Logger): MetricReader {
  return new PeriodicExportingMetricReader({
    metricProducers: [observed],
    exporter: logged(new EXPORTERS[protocol](), log),
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(TIMEOUT_MS, intervalMs),
  });
}

// Imported as a whole: a bundle that loads one of them on demand finds no names in it.
const EXPORTERS = { grpc: OverGrpc, 'http/json': AsJson, 'http/protobuf': AsProtobuf } as const;

/** Logs once when the collector no longer takes metrics, and once when it does again. */
function logged(exporter: PushMetricExporter, log: Logger): PushMetricExporter {
  let failed = false;
  return {
    export(metrics, done) {
      exporter.export(metrics, (result) => {
        const fails = result.code !== ExportResultCode.SUCCESS;
        if (fails && !failed)
          log.warn({ err: result.error }, 'the collector takes no metrics; they are sent again later');
        if (!fails && failed) log.info({}, 'the collector takes metrics again');
        failed = fails;
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
    ...(exporter.selectAggregation && { selectAggregation: exporter.selectAggregation.bind(exporter) }),
    ...(exporter.selectAggregationTemporality && {
      selectAggregationTemporality: exporter.selectAggregationTemporality.bind(exporter),
    }),
  };
}
