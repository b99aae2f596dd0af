import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { formatHostPort, type HostPort } from '../config/parser.js';
import { withUnits } from './units.js';

/** Metrics as Prometheus reads them. */
export interface MetricsServer {
  /** Where it listens, as `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/** The version is part of the type: Prometheus takes no guesses. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Makes what reads the metrics. The exporter's own server is left off: it can't say which port it got, and its
 * answers lack their version.
 */
export function createReader(): PrometheusExporter {
  return new PrometheusExporter({ preventServerStart: true });
}

/**
 * Serves what `reader` collects at `/metrics`, in Prometheus's text format.
 *
 * @throws the listening error of node:net, `EADDRINUSE` and the like.
 */
export async function serveMetrics(reader: PrometheusExporter, listen: HostPort): Promise<MetricsServer> {
  // Neither the resource nor the scope: whoever scrapes knows the job and the instance better.
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
  server.listen(listen.port, listen.host);
  await once(server, 'listening');
  return { address: addressOf(server, listen), close: () => close(server) };
}

function respond(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(text);
}

function addressOf(server: Server, { host, port }: HostPort): string {
  const bound = server.address();
  return formatHostPort({ host, port: typeof bound === 'object' && bound !== null ? bound.port : port });
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
