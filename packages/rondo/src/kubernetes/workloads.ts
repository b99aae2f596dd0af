import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { methodOf, toDynamicMethod } from '@rondo/schema';
import { parse } from 'yaml';
import { builtContracts } from '../workspace/contracts.js';
import { type Manifest, REGISTRY, readManifests, serviceNames } from '../workspace/manifests.js';

/** A service of the workspace, as Kubernetes runs it. */
export interface Workload extends Manifest {
  readonly image: string;
  /** The full names of the gRPC services that it serves. */
  readonly serves: readonly string[];
  /** The services that may call it; undefined for any. */
  readonly callers: readonly string[] | undefined;
}

/**
 * The services of a workspace, and apart from them the registry, as Kubernetes knows the instances without one. The app's name is that of the
 * namespace, and the label `part-of` of its objects.
 */
export type Workloads = ReturnType<typeof readWorkloads>;

/**
 * Reads the services of a workspace that is built.
 *
 * @throws Error if Kubernetes can't have a name.
 */
export function readWorkloads(root: string) {
  const files = [...builtContracts(root).files];
  const images = imagesOf(root);
  const all = readManifests(serviceNames(root), root).map((manifest): Workload => {
    const own = files.filter(({ proto }) => manifest.contracts.includes(proto.name));
    const services = own.flatMap((file) => file.services);
    const serves = services.map(({ typeName }) => typeName);
    checkNames(manifest.service, serves);
    const callers = manifest.public === undefined ? callersOf(services) : undefined;
    return { ...manifest, image: images.get(manifest.service) ?? manifest.service, serves, callers };
  });
  const registry = all.find(({ service }) => service === REGISTRY);
  return { app: nameOf(root), workloads: all.filter((workload) => workload !== registry), registry };
}

/** What Kubernetes allows for the name of an object, and after the prefix of a label. */
const MAX_NAME = 63;
/** The longest of what is added to a service's name in a label. */
const LONGEST_NAME = '-migration';
/** Words that YAML takes for something else than text. */
const YAML_WORD = /^(?:on|off|yes|no|y|n|true|false|null)$/;

/** @throws Error with what to do. */
function checkNames(service: string, serves: readonly string[]): void {
  const most = MAX_NAME - LONGEST_NAME.length;
  if (service.length > most)
    throw new Error(`the service ${service} has a name of ${service.length} characters: give it at most ${most}`);
  if (YAML_WORD.test(service))
    throw new Error(`the service ${service} has a name that YAML takes for a value: give it another`);
  const long = serves.find((name) => name.length > MAX_NAME);
  if (long !== undefined) {
    throw new Error(
      `${long} of the service ${service} has ${long.length} characters, and a label of Kubernetes at most ${MAX_NAME}: shorten the name or its package`,
    );
  }
}

/** The name in the root's package.json, as the name of an object that YAML takes for text. */
function nameOf(root: string): string {
  const { name = '' }: { readonly name?: string } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? ['rondo'];
  const isText = /^[a-z]/.test(words.join('-')) && !YAML_WORD.test(words.join('-'));
  return [...(isText ? [] : ['app']), ...words].join('-').slice(0, MAX_NAME).replace(/-$/, '');
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

function imagesOf(root: string): ReadonlyMap<string, string> {
  const { services = {} } = parse(readFileSync(path.join(root, 'docker-compose.yml'), 'utf8'), { merge: true });
  const entries = Object.entries<{ readonly image?: string }>(services);
  return new Map(entries.flatMap(([name, { image }]) => (image === undefined ? [] : [[name, image]])));
}
