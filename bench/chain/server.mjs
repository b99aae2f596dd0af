// One of the two servers that chain.mjs compares, as a worker.
import * as grpc from '@grpc/grpc-js';
import { metrics } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { answerParent } from '@rondo/harness';
import { systemClock } from '@rondo/rpc/clock';
import { callLog, callMetrics } from '@rondo/rpc/internal';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import pino from 'pino';

answerParent({
  /** Serves on plain grpc-js, or on Rondo, with or without metrics; gives the port. */
  serve: (kind) => (kind === 'plain' ? servePlain() : serveRondo(kind)),
});

function servePlain() {
  const { requestType, responseType } = AdderServiceDefinition.methods.add;
  const server = new grpc.Server();
  const add = {
    path: '/rondo.conformance.v1.AdderService/Add',
    requestStream: false,
    responseStream: false,
    requestSerialize: (message) => Buffer.from(requestType.encode(message).finish()),
    requestDeserialize: (bytes) => requestType.decode(bytes),
    responseSerialize: (message) => Buffer.from(responseType.encode(message).finish()),
    responseDeserialize: (bytes) => responseType.decode(bytes),
  };
  server.addService({ add }, { add: ({ request }, respond) => respond(null, { result: request.a + request.b }) });
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

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
