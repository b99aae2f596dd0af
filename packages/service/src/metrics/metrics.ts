import { createNoopMeter, type Meter } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { HostPort } from '../config/index.js';
import { cannotBind } from '../lifecycle/startup-error.js';
import { meterProcess } from './process.js';
import { createReader, serveMetrics } from './server.js';

/** Where a process's measurements go. */
export interface Metrics {
  readonly meter: Meter;
  /** Where they can be read, as `host:port`; undefined where they aren't kept. */
  readonly address: string | undefined;
  close(): Promise<void>;
}

/**
 * Keeps metrics and serves them at `listen`; without it they cost nothing.
 *
 * @throws StartupError where nothing can listen there.
 */
export async function startMetrics(listen: HostPort | undefined): Promise<Metrics> {
  if (listen === undefined) return { meter: createNoopMeter(), address: undefined, close: async () => undefined };
  const reader = createReader();
  const provider = new MeterProvider({ readers: [reader] });
  const meter = provider.getMeter('rondo');
  meterProcess(meter);
  const server = await serveMetrics(reader, listen).catch((cause: unknown) => {
    throw cannotBind({ what: 'serve metrics at', at: listen, variable: 'RONDO_METRICS', cause });
  });
  const close = async () => {
    await server.close();
    await provider.shutdown();
  };
  return { meter, address: server.address, close };
}
