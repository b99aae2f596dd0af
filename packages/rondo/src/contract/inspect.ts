import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { addressOf, reasonOf, statusOf } from '@rondo/operate/internal';
import { groupBy } from '@rondo/rpc/internal';
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
  const learned = await learnAll(divided, TIMEOUT_MS, asking);
  return await Promise.all(learned.map((one) => compareAll(one, asking.signal)));
}

/** A service with the contract of each version, which was asked of an instance that has it. */
interface LearnedService {
  readonly service: string;
  readonly versions: readonly (Version & { readonly found: Learned })[];
}

/** Fetches the contract of each version of services. All instances have so long to return theirs. */
export function learnAll(
  services: readonly DividedService[],
  timeoutMs: number,
  asking: Asking,
): Promise<readonly LearnedService[]> {
  const learn = async ({ service, versions }: DividedService, signal: AbortSignal) => {
    const ask = async (version: Version) => ({ ...version, found: await learnContract(service, version, signal) });
    return { service, versions: await Promise.all(versions.map(ask)) };
  };
  return within(timeoutMs, asking, { work: (signal) => Promise.all(services.map((one) => learn(one, signal))) });
}

async function compareAll({ service, versions }: LearnedService, signal: AbortSignal): Promise<InspectedService> {
  const known: { readonly fingerprint: string; readonly contract: Schema }[] = [];
  const inspected: InspectedVersion[] = [];
  for (const { fingerprint, instances, found } of versions) {
    const version = { fingerprint, instances: instances.map(({ instanceId }) => instanceId) };
    const comparisons: Comparison[] = [];
    let notCompared = 'reason' in found ? found.reason : null;
    if ('contract' in found) {
      try {
        for (const other of known) {
          const differences = await compareContracts(other.contract, found.contract, { signal });
          comparisons.push({ with: other.fingerprint, differences });
        }
      } catch (error) {
        signal.throwIfAborted();
        notCompared = messageOf(error);
      }
      known.push({ fingerprint, contract: found.contract });
    }
    inspected.push({ ...version, comparisons: notCompared === null ? comparisons : [], notCompared });
  }
  const differences = inspected.flatMap(({ comparisons }) => comparisons.flatMap((one) => one.differences));
  const isKnown = inspected.every(({ notCompared }) => notCompared === null);
  const isBroken = differences.some(({ kind }) => kind === 'incompatible');
  return { service, compatible: isBroken ? false : isKnown || null, versions: inspected };
}

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
  const served = instances.flatMap((instance) =>
    Object.entries(instance.fingerprints).map(([service, fingerprint]) => ({ service, fingerprint, instance })),
  );
  const services = groupBy(served, ({ service }) => service);
  return [...services]
    .filter(([service]) => only === undefined || service === only)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([service, all]) => {
      const versions = [...groupBy(all, ({ fingerprint }) => fingerprint)].map(([fingerprint, having]) => {
        return { fingerprint, instances: having.map(({ instance }) => instance) };
      });
      return { service, versions: versions.sort((one, other) => other.instances.length - one.instances.length) };
    });
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
    const files = await withChannel(addresses, (channel) => createReflection(channel, { signal }).filesOf(service));
    const protos = files.map(({ proto }) => proto);
    return { contract: loadSchema(service, protos) };
  } catch (error) {
    return { reason: `${addresses.join(', ')}: ${signal.aborted ? 'no answer in time' : reasonOf(error)}` };
  }
}
