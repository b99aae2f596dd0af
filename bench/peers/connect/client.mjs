// connect-node as its documentation has it: `createClient` over `createGrpcTransport`, which speaks gRPC over HTTP/2.
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { forEach, toAsync } from '../iterables.mjs';
import { ConformanceService } from './contract.mjs';

export function connect([address]) {
  const client = createClient(ConformanceService, createGrpcTransport({ baseUrl: `http://${address}` }));
  return {
    payloads: 'bytes',
    unary: (request) => client.unary(request),
    serverStream: (request, onReply) => forEach(client.serverStream(request), onReply),
    clientStream: (requests) => client.clientStream(toAsync(requests)),
    bidiStream: (requests, onReply) => forEach(client.bidiStream(requests), onReply),
  };
}
