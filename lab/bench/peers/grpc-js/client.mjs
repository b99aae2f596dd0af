// Plain grpc-js as in grpc.io's tutorial for Node.js (route_guide): a client with callbacks and events, without deadlines.
import * as grpc from '@grpc/grpc-js';
import { DEFINITIONS } from './definitions.mjs';
import { ROUND_ROBIN, targetOf } from './target.mjs';

/** @param variant the codec: one of {@link DEFINITIONS}. */
export function connect(addresses, variant) {
  const Client = grpc.makeClientConstructor(DEFINITIONS[variant](), 'ConformanceService');
  const client = new Client(targetOf(addresses), grpc.credentials.createInsecure(), ROUND_ROBIN);
  return {
    payloads: 'bytes',
    unary: (request) => new Promise((resolve, reject) => void client.unary(request, settle(resolve, reject))),
    serverStream: (request, onReply) => ended(client.serverStream(request), onReply),
    clientStream: (requests) =>
      new Promise((resolve, reject) => {
        const call = client.clientStream(settle(resolve, reject));
        for (const request of requests) call.write(request);
        call.end();
      }),
    async bidiStream(requests, onReply) {
      const call = client.bidiStream();
      const ending = ended(call, onReply);
      for await (const request of requests) call.write(request);
      call.end();
      await ending;
    },
  };
}

const settle = (resolve, reject) => (error, reply) => (error === null ? resolve(reply) : reject(error));

function ended(call, onReply) {
  return new Promise((resolve, reject) => {
    call.on('data', onReply).on('end', resolve).on('error', reject);
  });
}
