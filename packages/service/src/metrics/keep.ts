import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { HostPort } from '../config/parser.js';
import { cannotBind } from '../lifecycle/startup-error.js';
import type { Metrics } from './metrics.js';
import { meterProcess } from './process.js';
import { createReader, serveMetrics } from './server.js';

/**
 * Keeps metrics with OpenTelemetry's SDK, and serves them at `listen`.
 *
 * @throws StartupError where nothing can listen there.
 */
export async function keepMetrics(listen: HostPort): Promise<Metrics> {
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
