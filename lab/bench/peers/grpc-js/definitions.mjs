// The contract as each of the two codecs of grpc-js has it.
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { toGrpcDefinition } from '../../plain/definition.mjs';
import { LOADER, PROTO } from '../proto.mjs';

/** By the name of the contender's variant. */
export const DEFINITIONS = {
  'proto-loader': fromProtoLoader,
  'ts-proto': () => toGrpcDefinition(ConformanceServiceDefinition),
};

/** As grpc.io's tutorial for Node.js loads it. */
function fromProtoLoader() {
  const loaded = grpc.loadPackageDefinition(loadSync(PROTO, LOADER));
  return loaded.rondo.conformance.v1.ConformanceService.service;
}
