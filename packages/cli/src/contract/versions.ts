import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';

/** One version of a service's contract, and who speaks it. */
export interface Version {
  readonly fingerprint: string;
  /** By instance id, as they were listed. */
  readonly instances: readonly Instance[];
}

/** A service whose replicas speak more than one version of its contract, the one that most speak first. */
export interface DividedService {
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
