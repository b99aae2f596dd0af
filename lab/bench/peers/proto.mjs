// The contract for the contenders that load .proto files or descriptors while they start.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const pathOf = (relative) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url));

export const PROTO = 'rondo/conformance/v1/conformance.proto';

/** The options of grpc.io's tutorial for Node.js, and the folders of imported files. */
export const LOADER = {
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
  includeDirs: [pathOf('proto'), pathOf('node_modules/google-proto-files')],
};

/** The descriptors of all contracts, from which reflective runtimes make the same types as from generated code. */
export const readDescriptors = () => readFileSync(pathOf('packages/contracts/descriptors.binpb'));
