import type { DescFile, FileRegistry } from '@bufbuild/protobuf';
import { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { createReflection, loadSchema, type Schema } from '@rondo/schema';
import { withChannel } from '../channels.js';
import { compareContracts, type Difference } from '../contract/compare.js';
import { learnAll, servicesOf } from '../contract/inspect.js';
import type { Asking } from '../deadline.js';
import { importsOf } from '../generate/declarations.js';
import { countStored, misreadCalls, misreadMessages } from './stored.js';

/** What a rollout changes of one contract that instances have. */
export interface ContractChange {
  readonly service: string;
  readonly instances: readonly string[];
  /** The versions of these instances, by `RONDO_VERSION`. */
  readonly versions: readonly string[];
  /** From what runs to what is rolled out. */
  readonly differences: readonly Difference[];
  /** What is stored of jobs, events and open runs, and what is rolled out reads as something else. */
  readonly misread: readonly string[];
  /** Why it isn't known, or null. */
  readonly notCompared: string | null;
}

/** How long all instances have to return their contracts. Milliseconds. */
const TIMEOUT_MS = 10_000;

interface Options {
  /** The only service to compare; undefined for all. */
  readonly only?: string | undefined;
  /** How many open runs have stored messages of a type, by its full name. */
  readonly messages: ReadonlyMap<string, bigint>;
}

/**
 * Compares the contracts that instances have with those of a descriptor set. Services that the set doesn't have are left out.
 */
export async function compareWithRunning(
  instances: readonly Instance[],
  files: FileRegistry,
  { only, messages, ...asking }: Asking & Options,
): Promise<readonly ContractChange[]> {
  const known = servicesOf(instances, only).filter(({ service }) => files.getService(service) !== undefined);
  const learned = await learnAll(known, TIMEOUT_MS, asking);
  const changes: ContractChange[] = [];
  const calls = await countStored(instances, asking.signal).catch(() => undefined);
  for (const { service, versions } of learned) {
    const own = files.getService(service);
    for (const { instances: having, found } of versions) {
      const about = {
        service,
        instances: having.map(({ instanceId }) => instanceId),
        versions: [...new Set(having.map(({ version }) => version))].filter((version) => version !== ''),
      };
      if (own === undefined || !('contract' in found)) {
        changes.push({ ...about, differences: [], misread: [], notCompared: 'reason' in found ? found.reason : null });
      } else {
        const differences = await compareContracts(found.contract, ownContract(service, own.file), asking);
        const { desc, registry } = found.contract;
        const misread = [...misreadCalls([desc, own], calls), ...misreadMessages([registry, files], messages)];
        changes.push({ ...about, differences, misread, notCompared: null });
      }
    }
  }
  return changes;
}

/** The server at an address, such as a pod's, as the registry would list it. */
export async function instanceAt(address: string, signal: AbortSignal): Promise<Instance> {
  const services = await withChannel([address], (channel) => createReflection(channel, { signal }).listServices());
  const fingerprints = Object.fromEntries(services.map((service) => [service, address]));
  return Instance.fromPartial({ instanceId: address, endpoints: [{ address }], services: [...services], fingerprints });
}

/** The contract of a service with the files that it needs, as reflection gives them. */
const ownContract = (service: string, file: DescFile): Schema =>
  loadSchema(
    service,
    [...new Set([...importsOf(file), file])].map(({ proto }) => proto),
  );

/** Whether old and new instances and callers would misunderstand each other. */
export const breaks = ({ kind }: Difference): boolean => kind !== 'added';
