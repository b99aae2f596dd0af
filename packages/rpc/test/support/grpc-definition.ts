import type { MethodDefinition, ServiceDefinition } from '../../src/contract/definition.js';

/** A service definition for plain grpc-js: paths and codecs. */
export function grpcDefinition({ fullName, methods }: ServiceDefinition) {
  return Object.fromEntries(
    Object.entries(methods).map(([key, method]) => [key, grpcMethod(`/${fullName}/${method.name}`, method)]),
  );
}

function grpcMethod(path: string, { requestType, responseType, requestStream, responseStream }: MethodDefinition) {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: (message: object) => Buffer.from(requestType.encode(requestType.fromPartial(message)).finish()),
    requestDeserialize: (bytes: Buffer) => requestType.decode(bytes),
    responseSerialize: (message: object) =>
      Buffer.from(responseType.encode(responseType.fromPartial(message)).finish()),
    responseDeserialize: (bytes: Buffer) => responseType.decode(bytes),
  };
}
