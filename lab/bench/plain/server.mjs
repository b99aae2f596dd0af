import * as grpc from '@grpc/grpc-js';
import { toGrpcDefinition } from './definition.mjs';

/**
 * Serves some methods of a contract on plain grpc-js.
 *
 * @param service a `…ServiceDefinition` of `@rondo/contracts`.
 * @param port on 127.0.0.1; a free one by default.
 */
export function servePlain(service, handlers, port = 0) {
  const server = new grpc.Server();
  server.addService(toGrpcDefinition(service), handlers);
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
}
