// Plain grpc-js as in grpc.io's tutorial for Node.js (route_guide): a Server, handlers with callbacks and events. Streams are
// written without waiting for `drain`, as there; to wait costs as much processor time.
import * as grpc from '@grpc/grpc-js';
import { countTo, createTally, echo } from '../answers.mjs';
import { DEFINITIONS } from './definitions.mjs';

/** @param variant the codec: one of {@link DEFINITIONS}. */
export function serve(variant) {
  const server = new grpc.Server();
  server.addService(DEFINITIONS[variant](), { unary, serverStream, clientStream, bidiStream });
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(`127.0.0.1:${port}`);
      else reject(error);
    });
  });
}

function unary({ request }, respond) {
  respond(null, echo(request));
}

function serverStream(call) {
  for (const reply of countTo(call.request.count)) call.write(reply);
  call.end();
}

function clientStream(call, respond) {
  const tally = createTally();
  call.on('data', (message) => tally.take(message));
  call.on('end', () => respond(null, tally.reply()));
}

function bidiStream(call) {
  call.on('data', ({ text }) => call.write({ text }));
  call.on('end', () => call.end());
}
