import { readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { Catalogue } from '../../src/discovery/catalogue.js';
import { createVersions } from '../../src/discovery/versions.js';
import { createView } from '../../src/discovery/view.js';

const descriptors = new URL('../../../../packages/contracts/descriptors.binpb', import.meta.url);

/** The files of all contracts of this repository. */
export const ownFiles = (): readonly FileDescriptorProto[] =>
  fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)).file;

/** The files of `google.protobuf`, which others import. */
export const wellKnownFiles = ownFiles().filter(({ name }) => name.startsWith('google/protobuf/'));

/** A catalogue of the public services in some files, each with one instance. It can't change. */
export function catalogueOf(
  files: readonly FileDescriptorProto[],
): Pick<Catalogue, 'services' | 'routes' | 'route' | 'revision'> {
  const contracts = files.map((proto) => ({ proto, bytes: toBinary(FileDescriptorProtoSchema, proto) }));
  const names = files.flatMap((file) => file.service.map(({ name }) => `${file.package}.${name}`));
  const versions = names
    .filter((name) => !/^(?:google|rondo|grpc)\./.test(name))
    .map((name, index) => {
      const one = createVersions(name);
      one.since = index;
      const instance = { instanceId: 'a', address: '127.0.0.1:1', incarnation: 1, services: [name], fingerprints: {} };
      one.join(instance);
      one.learn(instance, { files: contracts, details: [] });
      return one;
    });
  const { services, routes, route } = createView(versions);
  return { services, routes, route, revision: 1 };
}
