// The contract as each of the two codecs of grpc-js has it.
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { LOADER, PROTO } from '../proto.mjs';

/** By the name of the contender's variant. */
export const DEFINITIONS = { 'proto-loader': fromProtoLoader, 'ts-proto': fromTsProto };

/** As grpc.io's tutorial for Node.js loads it. */
function fromProtoLoader() {
  const loaded = grpc.loadPackageDefinition(loadSync(PROTO, LOADER));
  return loaded.rondo.conformance.v1.ConformanceService.service;
}

/** As ts-proto generates it with `outputServices=grpc-js`. */
function fromTsProto() {
  const { fullName, methods } = ConformanceServiceDefinition;
  const entries = Object.entries(methods).map(
    ([key, { name, requestType, requestStream, responseType, responseStream }]) => [
      key,
      {
        path: `/${fullName}/${name}`,
        requestStream,
        responseStream,
        requestSerialize: (value) => Buffer.from(requestType.encode(value).finish()),
        requestDeserialize: (value) => requestType.decode(value),
        responseSerialize: (value) => Buffer.from(responseType.encode(value).finish()),
        responseDeserialize: (value) => responseType.decode(value),
      },
    ],
  );
  return Object.fromEntries(entries);
}
