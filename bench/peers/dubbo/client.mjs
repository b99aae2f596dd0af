// dubbo-js as its README has it: `createPromiseClient` over `createDubboTransport`, whose Triple protocol is Dubbo's own.
import { createPromiseClient } from '@apachedubbo/dubbo';
import { createDubboTransport } from '@apachedubbo/dubbo-node';
import { forEach, toAsync } from '../iterables.mjs';
import { ConformanceService } from './contract.mjs';

export function connect([address]) {
  const transport = createDubboTransport({ baseUrl: `http://${address}`, httpVersion: '2' });
  const client = createPromiseClient(ConformanceService, transport);
  return {
    payloads: 'bytes',
    unary: (request) => client.unary(request),
    serverStream: (request, onReply) => forEach(client.serverStream(request), onReply),
    clientStream: (requests) => client.clientStream(toAsync(requests)),
    bidiStream: (requests, onReply) => forEach(client.bidiStream(requests), onReply),
  };
}
