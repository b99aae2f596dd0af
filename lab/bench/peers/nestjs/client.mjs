// NestJS as its documentation has it for gRPC: `ClientProxyFactory`, `getService`, and observables.
import 'reflect-metadata';
import { ClientProxyFactory } from '@nestjs/microservices';
import { firstValueFrom, from } from 'rxjs';
import { ROUND_ROBIN, targetOf } from '../grpc-js/target.mjs';
import { optionsAt } from './options.mjs';

export function connect(addresses) {
  const client = ClientProxyFactory.create(optionsAt(targetOf(addresses), ROUND_ROBIN));
  const service = client.getService('ConformanceService');
  return {
    payloads: 'bytes',
    unary: (request) => firstValueFrom(service.unary(request)),
    serverStream: (request, onReply) => completed(service.serverStream(request), onReply),
    clientStream: (requests) => firstValueFrom(service.clientStream(from(requests))),
    bidiStream: (requests, onReply) => completed(service.bidiStream(from(requests)), onReply),
  };
}

function completed(replies, next) {
  return new Promise((complete, error) => {
    replies.subscribe({ next, error, complete });
  });
}
