import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createServer2 } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Meter } from '@opentelemetry/api';
import { startService } from '@rondo/service';
import { recordingLogger } from '../../../packages/service/test/recording-logger.js';
import { telemetry } from '../src/exports/index.js';

const OTLP_PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  for (const close of closers.splice(0).reverse()) await close();
});

/** A collector. It answers with the status that `status` has by then. */
class Collector {
  status = 200;
  #wanted: (request: string) => void = () => undefined;

  async listen(grpc: boolean): Promise<void> {
    const server: Server = grpc ? this.#grpc() : this.#http();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** The path and the body of the next request. */
  next(): Promise<string> {
    return new Promise((resolve) => {
      this.#wanted = resolve;
    });
  }

  #http(): Server {
    return createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part);
      response.writeHead(this.status).end();
      this.#took(`${request.url} ${Buffer.concat(parts)}`);
    });
  }

  #grpc(): Server {
    const server = createServer2();
    server.on('stream', async (stream, headers) => {
      const parts: Buffer[] = [];
      for await (const part of stream) parts.push(part);
      stream.respond({ 'content-type': 'application/grpc', 'grpc-status': '0' }, { endStream: true });
      this.#took(`${headers[':path']} ${Buffer.concat(parts)}`);
    });
    return server;
  }

  #took(request: string): void {
    this.#wanted(request);
  }
}

/** The meter of a process that sends its metrics, and what ends it. */
async function push(protocol: (typeof OTLP_PROTOCOLS)[number], log = recordingLogger().log) {
  let meter: Meter | undefined;
  const service = await startService({
    name: 'adder',
    port: 0,
    register: false,
    environment: {
      RONDO_INSTANCE_ID: 'adder-1',
      RONDO_VERSION: '2.1',
      RONDO_DRAIN_WAIT_MS: '0',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_METRIC_EXPORT_INTERVAL: '100',
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    },
    log,
    plugins: [telemetry],
    createApp(context) {
      meter = context.meter;
      return { services: [] };
    },
  });
  closers.push(() => service.drain());
  if (meter === undefined) throw new Error('no meter');
  return { meter, close: () => service.drain() };
}

describe('OTLP', () => {
  it.each(OTLP_PROTOCOLS)('takes the metrics to a collector, over %s', async (protocol) => {
    const collector = new Collector();
    await collector.listen(protocol === 'grpc');
    const { meter } = await push(protocol);
    meter.createCounter('rondo.test.things').add(3);
    const sent = await collector.next();
    expect(sent).toMatch(/^\/(v1\/metrics|opentelemetry\.proto\.collector\.metrics\.v1\.MetricsService\/Export) /);
    for (const part of ['rondo.test.things', 'service.name', 'adder-1', '2.1', 'v8js.memory.heap.used'])
      expect(sent).toContain(part);
  });

  it('logs an outage of the collector once, and its end', async () => {
    const collector = new Collector();
    collector.status = 400;
    await collector.listen(false);
    const { log, lines } = recordingLogger();
    await push('http/protobuf', log);
    for (let sent = 0; sent < 3; sent += 1) await collector.next();
    collector.status = 200;
    for (let sent = 0; sent < 3; sent += 1) await collector.next();
    expect(lines.filter((line) => line.includes('collector'))).toEqual([
      'warn: the collector takes no metrics; they are sent again later',
      'info: the collector takes metrics again',
    ]);
  });

  it('sends what is left when the process ends', async () => {
    const collector = new Collector();
    await collector.listen(false);
    const { meter, close } = await push('http/json');
    await collector.next();
    meter.createCounter('rondo.test.last').add(1);
    const [last] = await Promise.all([collector.next(), close()]);
    expect(last).toContain('rondo.test.last');
  });
});
