import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { addressOf, reasonOf, statusOf } from '@rondo/operate/internal';
import { createReflection, loadSchema, type Schema } from '@rondo/schema';
import { withChannel } from '../channels.js';
import { type Asking, within } from '../deadline.js';
import { messageOf } from '../workspace/errors.js';
import { compareContracts, type Difference } from './compare.js';

/** The differences of a version from another, which `with` names by its fingerprint. */
export interface Comparison {
  readonly with: string;
  readonly differences: readonly Difference[];
}

/** One version of a service's contract. */
export interface InspectedVersion {
  readonly fingerprint: string;
  readonly instances: readonly string[];
  /** With each earlier version in the list whose contract could be fetched. */
  readonly comparisons: readonly Comparison[];
  readonly notCompared: string | null;
}

/** A service whose instances have different versions of its contract. */
export interface InspectedService {
  readonly service: string;
  /** False if two versions are incompatible; null if some couldn't be compared. */
  readonly compatible: boolean | null;
  /** The version that most instances have comes first. */
  readonly versions: readonly InspectedVersion[];
}

/** How long all instances have to return their contracts, as `rondo ps` waits for them. Milliseconds. */
const TIMEOUT_MS = 3_000;

/** Fetches each version of each service's contract from an instance that has it, and compares the versions. */
export async function inspect(
  divided: readonly DividedService[],
  asking: Asking,
): Promise<readonly InspectedService[]> {
  const learned = await within(TIMEOUT_MS, asking, {
    work: (signal) => Promise.all(divided.map((one) => learnAll(one, signal))),
  });
  return await Promise.all(learned.map((one) => compareAll(one, asking.signal)));
}

/** A service, and the contract of each of its versions. */
interface LearnedService extends DividedService {
  readonly learned: readonly Learned[];
}

/** Fetches the contract of each version, which is asked of an instance that has it. */
export const learnAll = async (divided: DividedService, signal: AbortSignal): Promise<LearnedService> => ({
  ...divided,
  learned: await Promise.all(divided.versions.map((version) => learnContract(divided.service, version, signal))),
});

async function compareAll(
  { service, versions, learned }: LearnedService,
  signal: AbortSignal,
): Promise<InspectedService> {
  const known: { readonly fingerprint: string; readonly contract: Schema }[] = [];
  const inspected: InspectedVersion[] = [];
  for (const [index, { fingerprint, instances }] of versions.entries()) {
    const version = { fingerprint, instances: instances.map(({ instanceId }) => instanceId) };
    const found = learned[index] ?? { reason: 'not asked' };
    if ('contract' in found) {
      inspected.push({ ...version, ...(await compareWith(known, found.contract, signal)) });
      known.push({ fingerprint, contract: found.contract });
    } else {
      inspected.push({ ...version, comparisons: [], notCompared: found.reason });
    }
  }
  return { service, compatible: verdict(inspected), versions: inspected };
}

async function compareWith(
  known: readonly { readonly fingerprint: string; readonly contract: Schema }[],
  contract: Schema,
  signal: AbortSignal,
): Promise<Pick<InspectedVersion, 'comparisons' | 'notCompared'>> {
  try {
    const comparisons: Comparison[] = [];
    for (const other of known) {
      const differences = await compareContracts(other.contract, contract, { signal });
      comparisons.push({ with: other.fingerprint, differences });
    }
    return { comparisons, notCompared: null };
  } catch (error) {
    signal.throwIfAborted();
    return { comparisons: [], notCompared: messageOf(error) };
  }
}

function verdict(versions: readonly InspectedVersion[]): boolean | null {
  const differences = versions
    .flatMap(({ comparisons }) => comparisons)
    .flatMap((comparison) => comparison.differences);
  if (differences.some(({ kind }) => kind === 'incompatible')) return false;
  return versions.every(({ notCompared }) => notCompared === null) ? true : null;
}

/** A version of a service's contract, and the instances that have it. */
interface Version {
  readonly fingerprint: string;
  /** By instance id, as they were listed. */
  readonly instances: readonly Instance[];
}

/** A service and the versions of its contract. The version that most instances have comes first. */
interface DividedService {
  readonly service: string;
  readonly versions: readonly Version[];
}

/**
 * The services whose instances have different fingerprints, sorted by name. Instances without a fingerprint are left out.
 *
 * @param only the only service to compare; undefined for all.
 */
export const dividedServices = (instances: readonly Instance[], only?: string): readonly DividedService[] =>
  servicesOf(instances, only).filter(({ versions }) => versions.length > 1);

/** All services, as {@link dividedServices} has them. */
export function servicesOf(instances: readonly Instance[], only?: string): readonly DividedService[] {
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
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([service, versions]) => ({ service, versions: mostSpokenFirst(versions) }));
}

function mostSpokenFirst(versions: ReadonlyMap<string, readonly Instance[]>): readonly Version[] {
  const all = [...versions].map(([fingerprint, instances]) => ({ fingerprint, instances }));
  return all.sort((one, other) => other.instances.length - one.instances.length);
}

/** A version's contract, or why it can't be fetched. */
type Learned = { readonly contract: Schema } | { readonly reason: string };

/** How many instances of a version are tried if the first can't be reached. */
const INSTANCES_ASKED = 3;

/** Fetches the contract of `service` from an instance of one version, by reflection. */
async function learnContract(service: string, { instances }: Version, signal: AbortSignal): Promise<Learned> {
  const serving = instances.filter((instance) => statusOf(instance) === 'SERVING');
  const addresses = (serving.length > 0 ? serving : instances).slice(0, INSTANCES_ASKED).map(addressOf);
  try {
    return { contract: await askContract(service, addresses, signal) };
  } catch (error) {
    return { reason: `${addresses.join(', ')}: ${signal.aborted ? 'no answer in time' : reasonOf(error)}` };
  }
}

async function askContract(service: string, addresses: readonly string[], signal: AbortSignal): Promise<Schema> {
  const files = await withChannel(addresses, (channel) => createReflection(channel, { signal }).filesOf(service));
  return loadSchema(
    service,
    files.map(({ proto }) => proto),
  );
}
