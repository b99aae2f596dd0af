// connect-node as its documentation has it: `createClient` over `createGrpcTransport`, which speaks gRPC over HTTP/2.
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { callsOf } from '../iterables.mjs';
import { ConformanceService } from './contract.mjs';

export function connect([address]) {
  return callsOf(createClient(ConformanceService, createGrpcTransport({ baseUrl: `http://${address}` })));
}
