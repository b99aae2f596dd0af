import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import type { MetricProducer, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { formatHostPort, type HostPort } from '../config/parsers.js';

/** An HTTP server for Prometheus. */
export interface MetricsServer {
  /** The address that it listens on, as `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/** Prometheus requires the version in the content type. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * The exporter without its own HTTP server, which can't report its port and omits the version from the content type.
 */
export function createReader(observed: MetricProducer): PrometheusExporter {
  return new PrometheusExporter({ preventServerStart: true, metricProducers: [observed] });
}

/**
 * Serves the metrics of `reader` at `/metrics`, in Prometheus's text format.
 *
 * @throws the listen error of node:net, for example `EADDRINUSE`.
 */
export async function serveMetrics(reader: PrometheusExporter, listen: HostPort): Promise<MetricsServer> {
  // Without resource and scope: Prometheus sets the job and the instance itself.
  const serializer = new PrometheusSerializer('', false, undefined, true, true);
  const server = createServer((request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end('metrics are at /metrics\n');
      return;
    }
    reader.collect().then(
      ({ resourceMetrics }) => respond(response, serializer.serialize(withUnits(resourceMetrics))),
      (error: unknown) => response.writeHead(500).end(`the metrics can't be collected: ${String(error)}\n`),
    );
  });
  // A client that has ended its side gets its answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.listen(listen.port, listen.host);
  await once(server, 'listening');
  return { address: addressOf(server, listen), close: () => closeServer(server) };
}

function respond(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(text);
}

function addressOf(server: Server, { host, port }: HostPort): string {
  const bound = server.address();
  return formatHostPort({ host, port: typeof bound === 'object' && bound !== null ? bound.port : port });
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/** Suffixes that Prometheus expects in metric names, by unit. */
const SUFFIXES: Readonly<Record<string, string>> = { s: '.seconds', By: '.bytes', '1': '.ratio' };

/**
 * `metrics` with unit suffixes in their names, as Prometheus names them. The Node exporter omits the suffixes.
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
