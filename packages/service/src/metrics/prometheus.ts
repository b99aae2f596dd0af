import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AttributeValue } from '@opentelemetry/api';
import { formatHostPort, type HostPort } from '../config/parsers.js';
import type { Instruments, MetricData, Point } from './instruments.js';

/** An HTTP server for Prometheus. */
export interface MetricsServer {
  /** The address that it listens on, as `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/** Prometheus requires the version in the content type. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Serves metrics at `/metrics`, in Prometheus's text format.
 *
 * @throws the listen error of node:net, for example `EADDRINUSE`.
 */
export async function serveMetrics(instruments: Instruments, listen: HostPort): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end('metrics are at /metrics\n');
      return;
    }
    instruments.collect().then(
      ({ metrics }) => response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(metrics.map(textOf).join('')),
      (error: unknown) => response.writeHead(500).end(`the metrics can't be collected: ${String(error)}\n`),
    );
  });
  // A client that has ended its side gets its answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.listen(listen.port, listen.host);
  await once(server, 'listening');
  return { address: addressOf(server, listen), close: () => closeServer(server) };
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
const SUFFIXES: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes', '1': '_ratio' };

/**
 * A metric as Prometheus's text.
 *
 * Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
 */
function textOf({ name, kind, unit, description, boundaries, points }: MetricData): string {
  const full = toName(name + (SUFFIXES[unit] ?? '')).replace(/(?:_total)?$/, kind === 'counter' ? '_total' : '$&');
  const type = kind === 'up_down_counter' ? 'gauge' : kind;
  const lines = points.flatMap((point) => {
    if (kind === 'histogram') return histogramLines(full, boundaries, point);
    return `${full}${labelsOf(Object.entries(point.attributes))} ${numberOf(point.value)}`;
  });
  const help = description.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('\n')}\n`;
}

function histogramLines(name: string, boundaries: readonly number[], { attributes, value, counts }: Point): string[] {
  const labels = Object.entries(attributes);
  let count = 0;
  const buckets = counts.map((own, index) => {
    count += own;
    return `${name}_bucket${labelsOf([...labels, ['le', numberOf(boundaries[index] ?? Infinity)]])} ${count}`;
  });
  return [`${name}_count${labelsOf(labels)} ${count}`, `${name}_sum${labelsOf(labels)} ${value}`, ...buckets];
}

function labelsOf(labels: readonly (readonly [string, AttributeValue | undefined])[]): string {
  const written = labels.map(([key, value = '']) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return `${toName(key)}="${text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')}"`;
  });
  return written.length === 0 ? '' : `{${written.join()}}`;
}

const toName = (name: string): string => name.replace(/[^a-z0-9]+/gi, '_');
const numberOf = (value: number): string => `${value}`.replace('Infinity', 'Inf').replace(/^Inf/, '+Inf');
