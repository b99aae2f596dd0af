import { type DescService, create, createFileRegistry } from '@bufbuild/protobuf';
import type { Clock } from '@rondo/rpc/clock';
import { compareContracts } from './compare.js';
import type { Difference } from './difference.js';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { createChannel } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';
import { addressOf, statusOf } from '../registry/instance-view.js';
import { createReflection } from '../schema/reflection.js';
import { reasonOf } from '../errors.js';

/** How a version differs from another, by its fingerprint. */
export interface Comparison {
  readonly with: string;
  readonly differences: readonly Difference[];
}

/** One version of a service's contract beside the others. */
export interface InspectedVersion {
  readonly fingerprint: string;
  /** The ids of those that speak it. */
  readonly instances: readonly string[];
  /** With each version before it that could be had. */
  readonly comparisons: readonly Comparison[];
  /** Why it couldn't be compared; null where it was. */
  readonly notCompared: string | null;
}

/** What is known of a service whose replicas speak different versions of its contract. */
export interface InspectedService {
  readonly service: string;
  /** False as soon as two versions are incompatible; null where that isn't known of all. */
  readonly compatible: boolean | null;
  /** The one that most speak first. */
  readonly versions: readonly InspectedVersion[];
}

/** What an inspection needs. */
interface InspectOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** All of it takes no longer: whoever lists instances waits for it. */
const TIMEOUT_MS = 3_000;

/** Learns each version of each service's contract from an instance that speaks it, and compares them. */
export async function inspect(
  divided: readonly DividedService[],
  { clock, signal }: InspectOptions,
): Promise<readonly InspectedService[]> {
  const late = new AbortController();
  const timer = clock.setTimer(TIMEOUT_MS, () => late.abort());
  const either = AbortSignal.any([signal, late.signal]);
  try {
    return await Promise.all(divided.map((one) => inspectService(one, either)));
  } finally {
    timer.cancel();
  }
}

async function inspectService({ service, versions }: DividedService, signal: AbortSignal): Promise<InspectedService> {
  const learned = await Promise.all(versions.map((version) => learnContract(service, version, signal)));
  const known: { readonly fingerprint: string; readonly contract: DescService }[] = [];
  const inspected = versions.map(({ fingerprint, instances }, index): InspectedVersion => {
    const ids = instances.map(({ instanceId }) => instanceId);
    const found = learned[index] ?? { reason: 'not asked' };
    if (!('contract' in found)) {
      return { fingerprint, instances: ids, comparisons: [], notCompared: found.reason };
    }
    const comparisons = known.map(({ fingerprint: other, contract }) => {
      return { with: other, differences: compareContracts(contract, found.contract) };
    });
    known.push({ fingerprint, contract: found.contract });
    return { fingerprint, instances: ids, comparisons, notCompared: null };
  });
  return { service, compatible: verdict(inspected), versions: inspected };
}

function verdict(versions: readonly InspectedVersion[]): boolean | null {
  const differences = versions
    .flatMap(({ comparisons }) => comparisons)
    .flatMap((comparison) => comparison.differences);
  if (differences.some(({ kind }) => kind === 'incompatible')) return false;
  return versions.every(({ notCompared }) => notCompared === null) ? true : null;
}

/** One version of a service's contract, and who speaks it. */
interface Version {
  readonly fingerprint: string;
  /** By instance id, as they were listed. */
  readonly instances: readonly Instance[];
}

/** A service whose replicas speak more than one version of its contract, the one that most speak first. */
interface DividedService {
  readonly service: string;
  readonly versions: readonly Version[];
}

/**
 * The services that replicas disagree on, by name, as far as fingerprints tell: an instance without one is left out.
 *
 * @param only the one service to look at; undefined for all.
 */
export function dividedServices(instances: readonly Instance[], only?: string): readonly DividedService[] {
  const services = new Map<string, Map<string, Instance[]>>();
  for (const instance of instances) {
    for (const [service, fingerprint] of Object.entries(instance.fingerprints)) {
      if (only !== undefined && service !== only) continue;
      const versions = services.get(service) ?? new Map<string, Instance[]>();
      services.set(service, versions);
      versions.set(fingerprint, [...(versions.get(fingerprint) ?? []), instance]);
    }
  }
  return [...services]
    .filter(([, versions]) => versions.size > 1)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([service, versions]) => ({ service, versions: mostSpokenFirst(versions) }));
}

function mostSpokenFirst(versions: ReadonlyMap<string, readonly Instance[]>): readonly Version[] {
  const all = [...versions].map(([fingerprint, instances]) => ({ fingerprint, instances }));
  return all.sort((one, other) => other.instances.length - one.instances.length);
}

/** A version's contract, or why it can't be had. */
type Learned = { readonly contract: DescService } | { readonly reason: string };

/** As many are asked, one after the other, where the first can't be reached. */
const INSTANCES_ASKED = 3;

/** Asks an instance that speaks a version for the contract of `service`, by reflection. */
async function learnContract(service: string, { instances }: Version, signal: AbortSignal): Promise<Learned> {
  const serving = instances.filter((instance) => statusOf(instance) === 'SERVING');
  const addresses = (serving.length > 0 ? serving : instances).slice(0, INSTANCES_ASKED).map(addressOf);
  try {
    return { contract: await askContract(service, addresses, signal) };
  } catch (error) {
    return { reason: `${addresses.join(', ')}: ${signal.aborted ? 'no answer in time' : reasonOf(error)}` };
  }
}

async function askContract(service: string, addresses: readonly string[], signal: AbortSignal): Promise<DescService> {
  const channel = createChannel({ resolver: staticResolver(addresses) });
  try {
    const files = await createReflection(channel, signal).filesOf(service);
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...files] }));
    const contract = registry.getService(service);
    if (contract === undefined) throw new Error('the service is not in the descriptors that it returned');
    return contract;
  } finally {
    channel.close();
  }
}
