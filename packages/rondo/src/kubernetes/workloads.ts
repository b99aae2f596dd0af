import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createFileRegistry, type DescService, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { methodOf, toDynamicMethod } from '@rondo/schema';
import { parse } from 'yaml';
import { type Manifest, REGISTRY, readManifests, serviceNames } from '../workspace/manifests.js';

/** A service of the workspace, as Kubernetes runs it. */
export interface Workload extends Manifest {
  readonly image: string;
  /** The full names of the gRPC services that it serves. */
  readonly serves: readonly string[];
  /** The services that may call it; undefined for any. */
  readonly callers: readonly string[] | undefined;
}

/** The services of a workspace that is built, and apart from them the registry, as Kubernetes knows the instances without one. */
export function readWorkloads(root: string): {
  readonly workloads: readonly Workload[];
  readonly registry: Workload | undefined;
} {
  const descriptors = readFileSync(path.join(root, 'packages/contracts/descriptors.binpb'));
  const files = [...createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors)).files];
  const images = imagesOf(root);
  const all = readManifests(serviceNames(root), root).map((manifest) => {
    const own = files.filter(({ proto }) => manifest.contracts.includes(proto.name));
    const services = own.flatMap((file) => file.services);
    const serves = services.map(({ typeName }) => typeName);
    const callers = manifest.public === undefined ? callersOf(services) : undefined;
    return { ...manifest, image: images.get(manifest.service) ?? manifest.service, serves, callers };
  });
  const registry = all.find(({ service }) => service === REGISTRY);
  return { workloads: all.filter((workload) => workload !== registry), registry };
}

/** The processes that the rules of all methods name; undefined if a method is for any process. */
function callersOf(services: readonly DescService[]): readonly string[] | undefined {
  const rules = services.flatMap(({ methods }) =>
    methods.map((method) => methodOf(toDynamicMethod(method))?.policy.auth),
  );
  const named = rules.map((rule) => (rule === undefined || rule === 'public' ? [] : rule.callers));
  const isOpen = named.length === 0 || named.some((names) => names.length === 0 || names.includes('*'));
  return isOpen ? undefined : [...new Set(named.flat())].toSorted();
}

/** The images that docker-compose.yml names. */
function imagesOf(root: string): ReadonlyMap<string, string> {
  const { services = {} } = parse(readFileSync(path.join(root, 'docker-compose.yml'), 'utf8'), { merge: true });
  const entries = Object.entries<{ readonly image?: string }>(services);
  return new Map(entries.flatMap(([name, { image }]) => (image === undefined ? [] : [[name, image]])));
}
