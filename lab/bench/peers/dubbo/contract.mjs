import { createRegistryFromDescriptors } from '@bufbuild/protobuf';
import { readDescriptors } from '../proto.mjs';

/** The service's type, which is what protoc-gen-apache-dubbo-es generates. */
export const ConformanceService = createRegistryFromDescriptors(readDescriptors()).findService(
  'rondo.conformance.v1.ConformanceService',
);
