import { type HrTime, ValueType } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, hrTime } from '@opentelemetry/core';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData as Exported,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { backgroundClock, sleep } from '@rondo/rpc/clock';
import type { Exporter } from '@rondo/service';
import { resourceOf } from './resource.js';
import { withWarnings } from './warnings.js';

type MetricExportOptions = Parameters<Exporter['openMetrics']>[0];
type MetricData = Awaited<ReturnType<MetricExportOptions['collect']>>['metrics'][number];

/** Each is loaded on demand. A bundle finds no names in what it loads so, but for the module as a whole. */
const open = {
  grpc: async () => new (await import('@opentelemetry/exporter-metrics-otlp-grpc')).default.OTLPMetricExporter(),
  'http/json': async () => new (await import('@opentelemetry/exporter-metrics-otlp-http')).default.OTLPMetricExporter(),
  'http/protobuf': async () =>
    new (await import('@opentelemetry/exporter-metrics-otlp-proto')).default.OTLPMetricExporter(),
} as const;

/**
 * Sends metrics to a collector again and again. What isn't sent is part of the next values: all are cumulative. The log has one line when
 * the collector no longer takes them, and one when it does again.
 */
export async function openMetrics(options: MetricExportOptions): Promise<() => Promise<void>> {
  const { protocol, intervalMs, collect, clock, log } = options;
  const exporter: PushMetricExporter = await withWarnings<PushMetricExporter>(log, () => open[protocol]());
  const resource = resourceOf(options.resource);
  const startTime = hrTime();
  let failed = false;
  const push = async (): Promise<void> => {
    const { metrics } = await collect();
    const times = { startTime, endTime: hrTime() };
    const scopeMetrics = [{ scope: { name: 'rondo' }, metrics: metrics.map((metric) => exported(metric, times)) }];
    const { code, error } = await new Promise<ExportResult>((resolve) => {
      exporter.export({ resource, scopeMetrics }, resolve);
    });
    const fails = code !== ExportResultCode.SUCCESS;
    if (fails && !failed) log.warn({ err: error }, 'the collector takes no metrics; they are sent again later');
    if (!fails && failed) log.info({}, 'the collector takes metrics again');
    failed = fails;
  };
  const stop = new AbortController();
  const pushing = (async () => {
    for (let isLast = false; !isLast; ) {
      await sleep(backgroundClock(clock), intervalMs, stop.signal).catch(() => undefined);
      isLast = stop.signal.aborted;
      await push();
    }
    await exporter.shutdown();
  })();
  return () => {
    stop.abort();
    return pushing;
  };
}

interface Times {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

function exported({ name, kind, unit, description, boundaries, points }: MetricData, times: Times): Exported {
  const common = {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (kind === 'histogram') {
    const dataPoints = points.map(({ attributes, value: sum, counts }) => {
      const count = counts.reduce((all, own) => all + own, 0);
      const value = { buckets: { boundaries: [...boundaries], counts: [...counts] }, sum, count };
      return { attributes, value, ...times };
    });
    return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = points.map(({ attributes, value }) => ({ attributes, value, ...times }));
  return kind === 'gauge'
    ? { ...common, dataPointType: DataPointType.GAUGE, dataPoints }
    : { ...common, dataPointType: DataPointType.SUM, isMonotonic: kind === 'counter', dataPoints };
}
