// One of the two servers that chain.mjs compares, as a worker.
import { metrics } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { answerParent } from '@rondo/harness';
import { systemClock } from '@rondo/rpc/clock';
import { callLog, callMetrics } from '@rondo/rpc/internal';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import pino from 'pino';
import { servePlain } from '../plain/server.mjs';

answerParent({
  /** Serves on plain grpc-js, or on Rondo, with or without metrics; gives the port. */
  serve: (kind) => (kind === 'plain' ? servePlain(AdderServiceDefinition, { add }) : serveRondo(kind)),
});

const add = ({ request }, respond) => respond(null, { result: request.a + request.b });

async function serveRondo(kind) {
  const adder = standIn(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) });
  const meter = (kind === 'rondo-metrics' ? new MeterProvider() : metrics).getMeter('bench');
  const clock = systemClock;
  const router = createRouter({
    services: [adder],
    instanceId: 'bench',
    logger: pino(pino.destination('/dev/null')),
    middleware: [callLog({ clock }), callMetrics('server', { meter, clock })],
  });
  return (await serve(router, { listen: '127.0.0.1:0' })).port;
}
