import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** The contracts of a workspace, as the build compiles them. */
export const DESCRIPTORS = 'packages/contracts/descriptors.binpb';

export const builtContracts = (root: string): FileRegistry =>
  createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(path.join(root, DESCRIPTORS))));
