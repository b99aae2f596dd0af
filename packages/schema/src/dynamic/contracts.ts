import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { loadSchema, type Schema } from '../contract.js';

/** Where a client's contracts come from. */
export interface ContractSource {
  /** The fully qualified names of the services that it knows. */
  services(): Promise<readonly string[]>;
  /** The contract of one of them. It rejects with an RpcError. */
  load(service: string): Promise<Schema>;
}

/**
 * Contracts from a set of descriptors, with their imports: `buf build -o contract.binpb`, or `protoc
 * --include_imports -o contract.binpb`. They are as complete as the `.proto` files.
 *
 * @throws Error if the bytes aren't a `google.protobuf.FileDescriptorSet`.
 */
export function descriptorContracts(bytes: Uint8Array): ContractSource {
  const { file: files } = fromBinary(FileDescriptorSetSchema, bytes);
  const services = files.flatMap((file) => file.service.map(({ name }) => qualified(file.package, name)));
  return {
    services: async () => services,
    load: async (service) => loadSchema(service, files),
  };
}

/** A name in a package, which may be the empty one. */
export function qualified(scope: string, name: string): string {
  return scope === '' ? name : `${scope}.${name}`;
}
