import type { Endpoint } from '@rondo/rpc/client';
import { type Contract, type ContractFiles, hashOf, readContract } from './contract.js';
import type { ServiceInstance } from './instances.js';

/** How many versions of one contract are kept. */
const MAX_VERSIONS = 16;

/** The versions of one service's contract that run side by side, and which instance has which. */
export interface ServiceVersions {
  readonly service: string;
  /** How many instances serve it, whether or not their contracts are known. */
  readonly instances: number;
  /**
   * The contracts of its instances; the one that most instances have comes first, then the lexically greatest hash. When the
   * last instance has left, its contract stays.
   */
  readonly contracts: readonly Contract[];
  /** Whether no contract is known yet, but one may still be learned. */
  readonly pending: boolean;
  /** Whether it has instances, and the contract of none is known, but one may still be learned: all are new. */
  readonly learning: boolean;
  /** When its first instance registered, by the registry. */
  since: number;
  /** When its last instance left, by this process's clock; undefined while it has one. */
  readonly leftAt: number | undefined;
  join(instance: ServiceInstance): void;
  leave(instance: ServiceInstance, now: number): void;
  /**
   * Adds the contract that an instance returned. False if there is no room for another version.
   *
   * @throws Error if the contract can't be used.
   */
  learn(instance: ServiceInstance, files: ContractFiles): boolean;
  /** The instance's contract can't be learned. */
  refuse(instance: ServiceInstance): void;
  /**
   * The contract of an instance. If the instance hasn't returned it yet, this is a contract with the same fingerprint:
   * contracts with equal fingerprints are the same on the wire and in JSON. Undefined if neither is known.
   */
  contractAt(endpoint: Endpoint): Contract | undefined;
}

interface Version {
  readonly contract: Contract;
  readonly instances: Set<string>;
  /** As its latest instance registered it. */
  fingerprint: string | undefined;
}

/** An instance that serves the service, and its version once it is learned. */
interface Member {
  readonly instance: ServiceInstance;
  version: Version | undefined;
  refused: boolean;
}

/** Creates the state of a service without instances. */
export function createVersions(service: string): ServiceVersions {
  const members = new Map<string, Member>();
  const versions = new Map<string, Version>();
  let ordered: readonly Version[] = [];
  let leftAt = 0;
  let learning = false;

  const look = () => {
    learning = areNew([...members.values()], ordered, service);
  };
  const reorder = () => {
    const lived = [...versions.values()].filter(({ instances }) => instances.size > 0);
    // The contract of the last instance stays: it says which methods are unavailable.
    const kept = lived.length > 0 ? lived : ordered.slice(0, 1);
    for (const [hash, version] of versions) if (!kept.includes(version)) versions.delete(hash);
    ordered = kept.sort(byImportance);
    look();
  };

  const leave = (instance: ServiceInstance, now: number) => {
    const member = members.get(instance.instanceId);
    if (member?.instance !== instance) return;
    members.delete(instance.instanceId);
    leftAt = now;
    member.version?.instances.delete(instance.instanceId);
    reorder();
  };

  return {
    service,
    since: Number.POSITIVE_INFINITY,
    get leftAt() {
      return members.size === 0 ? leftAt : undefined;
    },
    get instances() {
      return members.size;
    },
    get contracts() {
      return ordered.map(({ contract }) => contract);
    },
    get pending() {
      return ordered.length === 0 && [...members.values()].some(({ refused }) => !refused);
    },
    get learning() {
      return learning;
    },
    join(instance) {
      const replaced = members.get(instance.instanceId);
      if (replaced !== undefined) leave(replaced.instance, leftAt);
      members.set(instance.instanceId, { instance, version: undefined, refused: false });
      look();
    },
    leave,
    learn(instance, files) {
      const member = members.get(instance.instanceId);
      if (member?.instance !== instance) return true;
      const hash = hashOf(files.files);
      let version = versions.get(hash);
      if (version === undefined) {
        if (versions.size >= MAX_VERSIONS) return false;
        version = { contract: readContract(service, files), instances: new Set(), fingerprint: undefined };
        versions.set(hash, version);
      }
      version.instances.add(instance.instanceId);
      version.fingerprint = instance.fingerprints[service] ?? version.fingerprint;
      member.version = version;
      reorder();
      return true;
    },
    refuse(instance) {
      const member = members.get(instance.instanceId);
      if (member?.instance !== instance) return;
      member.refused = true;
      look();
    },
    contractAt(endpoint) {
      const member = members.get(endpoint.instanceId);
      const same = member?.instance.incarnation === endpoint.incarnation ? member : undefined;
      if (same?.version !== undefined) return same.version.contract;
      const fingerprint = same?.instance.fingerprints[service] ?? endpoint.fingerprints?.[service];
      if (fingerprint === undefined) return undefined;
      return ordered.find((version) => version.fingerprint === fingerprint)?.contract;
    },
  };
}

/** Whether the contracts of all are unknown, though one may still be learned. Equal fingerprints mean equal contracts. */
function areNew(members: readonly Member[], known: readonly Version[], service: string): boolean {
  const fingerprints = new Set(known.flatMap(({ fingerprint }) => fingerprint ?? []));
  const isKnown = ({ version, instance }: Member) =>
    version !== undefined || fingerprints.has(instance.fingerprints[service] ?? '');
  return members.some(({ refused }) => !refused) && !members.some(isKnown);
}

function byImportance(one: Version, other: Version): number {
  const difference = other.instances.size - one.instances.size;
  if (difference !== 0) return difference;
  return one.contract.hash > other.contract.hash ? -1 : 1;
}
