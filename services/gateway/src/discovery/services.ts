import type { Logger } from '@rondo/rpc/call';
import { isReserved } from './exposure.js';
import type { ServiceInstance } from './instances.js';
import { createVersions, type ServiceVersions } from './versions.js';

/** The services that instances serve, or served. Reserved ones aren't among them. */
export interface Services {
  all(): readonly ServiceVersions[];
  find(service: string): ServiceVersions | undefined;
  /** Leaves out services that no room is for. The first registered stay, so that nothing new can take the place of a service. */
  admit(instances: readonly ServiceInstance[]): readonly ServiceInstance[];
  /** Adds an admitted instance to its services, and returns their names. */
  join(instance: ServiceInstance): readonly string[];
  leave(instance: ServiceInstance, now: number): void;
  /** Reads from the instances when each service first registered. Returns whether any time has changed. */
  date(instances: readonly ServiceInstance[]): boolean;
}

/** Creates an empty list of at most `max` services with instances, and as many without: those that registered first. */
export function createServices(max: number, log: Logger): Services {
  const known = new Map<string, ServiceVersions>();
  const limit = createLimit(max, log);

  const open = (service: string): ServiceVersions => {
    const found = known.get(service) ?? createVersions(service);
    if (!known.has(service) && known.size >= 2 * max) dropLatest();
    known.set(service, found);
    return found;
  };
  const dropLatest = () => {
    const gone = [...known.values()].filter(({ instances }) => instances === 0);
    const latest = gone.reduce((one, other) => (other.since > one.since ? other : one));
    known.delete(latest.service);
  };

  return {
    all: () => [...known.values()],
    find: (service) => known.get(service),
    admit(instances) {
      const left = limit(firstTimes(instances), known);
      if (left.size === 0) return instances;
      return instances.map((one) => ({ ...one, services: one.services.filter((service) => !left.has(service)) }));
    },
    join(instance) {
      const names = [...new Set(instance.services)].filter((name) => !isReserved(name));
      for (const name of names) open(name).join(instance);
      return names;
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

/** Finds the services that are too many, by when each registered: the latest, and of one time those that aren't known. Logs some of them. */
function createLimit(max: number, log: Logger) {
  let warned = false;
  return (times: ReadonlyMap<string, number>, known: ReadonlyMap<string, unknown>): ReadonlySet<string> => {
    const names = [...times.keys()].filter((name) => !isReserved(name));
    if (names.length <= max) {
      warned = false;
      return new Set();
    }
    const byAge = (one: string, other: string) => {
      const [first = 0, second = 0] = [times.get(one), times.get(other)];
      if (first !== second) return first < second ? -1 : 1;
      if (known.has(one) !== known.has(other)) return known.has(one) ? -1 : 1;
      return one < other ? -1 : 1;
    };
    const left = names.sort(byAge).slice(max);
    if (!warned) {
      const some = left.slice(0, MAX_NAMED).join(', ');
      const text = `the gateway offers no more than ${max} services, those that registered first; ${left.length} are left out, such as ${some}`;
      log.warn({ max, left: left.length }, `${text}: 'rondo ps' shows which instances register so many`);
    }
    warned = true;
    return new Set(left);
  };
}

const MAX_NAMED = 5;

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
