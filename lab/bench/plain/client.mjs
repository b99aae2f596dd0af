import * as grpc from '@grpc/grpc-js';
import { toGrpcDefinition } from './definition.mjs';

/** A client of plain grpc-js: a method by each key of the service's definition. `options` are those of its channel. */
export function connectPlain(service, address, options) {
  const Client = grpc.makeClientConstructor(toGrpcDefinition(service), service.fullName);
  return new Client(address, grpc.credentials.createInsecure(), options);
}

/** A unary method of such a client as a function of a request and call options that gives a promise of the reply. */
export function unaryOf(client, method) {
  return (request, options = {}) =>
    new Promise((resolve, reject) => {
      client[method](request, options, (error, reply) => (error === null ? resolve(reply) : reject(error)));
    });
}
