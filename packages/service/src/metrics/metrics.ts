import type { Meter } from '@opentelemetry/api';
import { withTimeout } from '@rondo/base';
import { formatHostPort, type HostPort } from '../config/parsers.js';
import type { Exporter, ExportOptions, Push } from '../exporter.js';
import { type Handover, whenFree } from '../lifecycle/handover.js';
import { cannotBind } from '../lifecycle/startup-error.js';
import { Instruments } from './instruments.js';
import { type MeteredPools, readPools } from './pools.js';
import type { MetricsServer } from './prometheus.js';

/** The meter of a process, and where its measurements are served. */
export interface Metrics {
  readonly meter: Meter;
  /** The address of the metrics, as `host:port`; undefined if metrics are off. */
  readonly address: string | undefined;
  readonly pools: MeteredPools;
  close(): Promise<void>;
}

/** Where metrics go, and whose they are. */
export interface MetricsOptions extends ExportOptions {
  /** The address that serves them; undefined for none. */
  readonly listen: HostPort | undefined;
  /** How they are sent by OTLP; undefined if they aren't. */
  readonly push: (Push & { readonly exporter: Exporter }) | undefined;
  readonly handover: Handover;
}

/** The last metrics are sent within this time, or not at all: a collector that is away doesn't hold up the end of a process. */
const LAST_PUSH_MS = 1_000;

/**
 * Collects metrics, serves them and sends them. With neither an address nor a push nothing is recorded.
 *
 * @throws StartupError if the process can't listen at the address.
 */
export async function startMetrics(options: MetricsOptions): Promise<Metrics> {
  const { listen, push, clock } = options;
  const isOn = listen !== undefined || push !== undefined;
  const instruments = new Instruments({ records: isOn });
  const { meter } = instruments;
  const pools = { read: () => readPools(instruments) };
  if (!isOn) return { meter, pools, address: undefined, close: async () => undefined };
  const served = listen && (await serve(instruments, listen, options));
  // Loaded on demand, as metrics are off by default.
  const stop = (await import('./runtime.js')).meterRuntime(meter);
  const collect = () => instruments.collect();
  const pushLast = await push?.exporter.openMetrics({ ...options, ...push, collect });
  return {
    meter,
    pools,
    address: served?.address,
    async close() {
      stop();
      await served?.close();
      // What fails here has been logged by the push.
      if (pushLast) await withTimeout(pushLast, { clock, timeoutMs: LAST_PUSH_MS }).catch(() => undefined);
    },
  };
}

async function serve(
  instruments: Instruments,
  listen: HostPort,
  { handover, log }: Pick<MetricsOptions, 'handover' | 'log'>,
): Promise<MetricsServer> {
  const { serveMetrics } = await import('./prometheus.js');
  const serving = whenFree(() => serveMetrics(instruments, listen), handover).catch((cause: unknown) => {
    throw cannotBind({ what: 'serve metrics at', at: listen, variable: 'RONDO_METRICS', cause });
  });
  if (handover.timeoutMs === 0) return serving;
  // The other process serves its metrics until it has ended, when this one has long taken calls.
  serving.catch((error: unknown) => log.warn({ err: error }, 'the metrics are not served'));
  return { address: formatHostPort(listen), close: async () => (await serving).close() };
}
