import type { Logger } from '@rondo/rpc/call';
import { isReserved } from './exposure.js';
import type { ServiceInstance } from './instances.js';
import { createVersions, type ServiceVersions } from './versions.js';

/** The services that instances serve, or served. Reserved ones aren't among them. */
export interface Services {
  all(): readonly ServiceVersions[];
  find(service: string): ServiceVersions | undefined;
  /** Adds an instance to its services, and returns those that it was added to. */
  join(instance: ServiceInstance): readonly string[];
  leave(instance: ServiceInstance, now: number): void;
  /** Reads from the instances when each service first registered. Returns whether any time has changed. */
  date(instances: readonly ServiceInstance[]): boolean;
}

/** Creates an empty list of at most `max` services. A new service displaces one without instances. */
export function createServices(max: number, log: Logger): Services {
  const known = new Map<string, ServiceVersions>();
  let warned = false;

  const open = (service: string): ServiceVersions | undefined => {
    const found = known.get(service);
    if (found !== undefined) return found;
    if (known.size >= max && !displace()) {
      if (!warned)
        log.warn({ target: service, max }, `the gateway offers no more than ${max} services, and leaves others out`);
      warned = true;
      return undefined;
    }
    const created = createVersions(service);
    known.set(service, created);
    return created;
  };
  const displace = (): boolean => {
    const gone = [...known.values()].find(({ instances }) => instances === 0);
    return gone !== undefined && known.delete(gone.service);
  };

  return {
    all: () => [...known.values()],
    find: (service) => known.get(service),
    join(instance) {
      const joined = [...new Set(instance.services)].filter((name) => !isReserved(name)).map(open);
      const found = joined.filter((versions) => versions !== undefined);
      for (const versions of found) versions.join(instance);
      return found.map(({ service }) => service);
    },
    leave(instance, now) {
      for (const service of instance.services) known.get(service)?.leave(instance, now);
    },
    date(instances) {
      let changed = false;
      for (const [service, since] of firstTimes(instances)) {
        const versions = known.get(service);
        if (versions === undefined || versions.since === since) continue;
        versions.since = since;
        changed = true;
      }
      return changed;
    },
  };
}

/**
 * When each service first registered, as its instances report. If their times differ, as with several registries,
 * the earliest counts.
 */
function firstTimes(instances: readonly ServiceInstance[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const { services, registerTimeMs = Number.POSITIVE_INFINITY, serviceTimesMs = {} } of instances) {
    for (const service of services) {
      const reported = Object.hasOwn(serviceTimesMs, service) ? serviceTimesMs[service] : undefined;
      times.set(service, Math.min(times.get(service) ?? Number.POSITIVE_INFINITY, reported ?? registerTimeMs));
    }
  }
  return times;
}
