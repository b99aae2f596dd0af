import { ExportResultCode } from '@opentelemetry/core';
import {
  type MetricProducer,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import type { Logger } from '@rondo/rpc/call';
import type { Push } from './metrics.js';

/** Most collectors answer within milliseconds. A value that isn't sent by then is part of the next one: all are cumulative. */
const TIMEOUT_MS = 10_000;

/** Sends metrics to a collector by OTLP. */
export async function createPush(
  { protocol, intervalMs }: Push,
  observed: MetricProducer,
  log: Logger,
): Promise<PeriodicExportingMetricReader> {
  return new PeriodicExportingMetricReader({
    metricProducers: [observed],
    exporter: logged(await createExporter(protocol), log),
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(TIMEOUT_MS, intervalMs),
  });
}

/** Each of them comes with code of its own that only its users need. */
async function createExporter(protocol: Push['protocol']): Promise<PushMetricExporter> {
  switch (protocol) {
    case 'grpc':
      return new (await import('@opentelemetry/exporter-metrics-otlp-grpc')).OTLPMetricExporter();
    case 'http/json':
      return new (await import('@opentelemetry/exporter-metrics-otlp-http')).OTLPMetricExporter();
    case 'http/protobuf':
      return new (await import('@opentelemetry/exporter-metrics-otlp-proto')).OTLPMetricExporter();
  }
}

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
