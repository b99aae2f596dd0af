import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { readDescriptors } from '../proto.mjs';

/** The service's descriptor. Generated code makes it of the same descriptors when it is loaded. */
export const ConformanceService = createFileRegistry(fromBinary(FileDescriptorSetSchema, readDescriptors())).getService(
  'rondo.conformance.v1.ConformanceService',
);
