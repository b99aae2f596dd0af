import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, type MetricReader } from '@opentelemetry/sdk-metrics';
import { formatHostPort, type HostPort } from '../config/parsers.js';
import { whenFree } from '../lifecycle/handover.js';
import { cannotBind } from '../lifecycle/startup-error.js';
import type { Metrics, MetricsOptions } from './metrics.js';
import { ObservedMetrics } from './observed.js';
import { createReader, type MetricsServer, serveMetrics } from './prometheus.js';
import { meterRuntime } from './runtime.js';

/** The last metrics are sent within this time, or not at all: a collector that is away doesn't hold up the end of a process. */
const LAST_PUSH_MS = 1_000;

/**
 * Collects metrics with OpenTelemetry's SDK, serves them at `listen`, and sends them by `push`.
 *
 * @throws StartupError if the process can't listen there.
 */
export async function collectMetrics(options: MetricsOptions): Promise<Metrics> {
  const { listen, push, resource, log } = options;
  const observed = new ObservedMetrics();
  const reader = listen && createReader(observed);
  const readers: MetricReader[] = reader === undefined ? [] : [reader];
  // Loaded on demand, like the rest of the SDK.
  if (push !== undefined) readers.push((await import('./push.js')).createPush(push, observed, log));
  const own = resourceFromAttributes({
    'service.name': resource.name,
    'service.instance.id': resource.instanceId,
    ...(resource.version !== '' && { 'service.version': resource.version }),
  });
  const provider = new MeterProvider({
    readers,
    resource: own.merge(detectResources({ detectors: [envDetector] })),
  });
  const served = listen && reader && (await serve(reader, listen, options));
  const meter = observed.over(provider.getMeter('rondo'));
  const stop = meterRuntime(meter);
  return {
    meter,
    address: served?.address,
    async close() {
      stop();
      await served?.close();
      // What fails here has been logged by the push.
      await provider.shutdown({ timeoutMillis: LAST_PUSH_MS }).catch(() => undefined);
    },
  };
}

async function serve(
  reader: ReturnType<typeof createReader>,
  listen: HostPort,
  { handover, log }: Pick<MetricsOptions, 'handover' | 'log'>,
): Promise<MetricsServer> {
  const serving = whenFree(() => serveMetrics(reader, listen), handover).catch((cause: unknown) => {
    throw cannotBind({ what: 'serve metrics at', at: listen, variable: 'RONDO_METRICS', cause });
  });
  if (handover.timeoutMs === 0) return serving;
  // The other process serves its metrics until it has ended, when this one has long taken calls.
  serving.catch((error: unknown) => log.warn({ err: error }, 'the metrics are not served'));
  return { address: formatHostPort(listen), close: async () => (await serving).close() };
}
