import type { Channel, Endpoint } from '@rondo/rpc/client';

/** An instance, and the services that it serves. */
export interface ServiceInstance
  extends Pick<Endpoint, 'instanceId' | 'address' | 'incarnation' | 'secure' | 'registerTimeMs' | 'serviceTimesMs'> {
  /** Fully qualified. */
  readonly services: readonly string[];
  /** The fingerprint of the contract of each service, by the service; empty if it isn't known. */
  readonly fingerprints: Readonly<Record<string, string>>;
  /** Its state when it joined; serving if it is missing. */
  readonly state?: Endpoint['state'];
}

/** Where the gateway's list of instances comes from. */
export interface InstanceSource {
  /** Calls `listener` with all instances of all services: when they are first known and after each change, until it is closed. */
  follow(listener: (instances: readonly ServiceInstance[]) => void): { close(): void };
}

/** The instances in the registry, as a channel hears of them. */
export function registeredInstances(channel: Pick<Channel, 'followAll'>): InstanceSource {
  return {
    follow: (listener) =>
      channel.followAll({
        onResolution: ({ endpoints }) => listener(endpoints.map(toInstance)),
        // The known instances stay what they are while the registry is away or starts.
        onFailure() {},
        onPending() {},
      }),
  };
}

function toInstance(endpoint: Endpoint): ServiceInstance {
  const { instanceId, address, incarnation, secure, services = [], fingerprints = {}, state } = endpoint;
  const { registerTimeMs = Number.POSITIVE_INFINITY, serviceTimesMs = {} } = endpoint;
  return { instanceId, address, incarnation, secure, services, fingerprints, registerTimeMs, serviceTimesMs, state };
}

/** A fixed list: for a gateway without a registry, and for tests. */
export function staticInstances(instances: readonly ServiceInstance[]): InstanceSource {
  return {
    follow(listener) {
      listener(instances);
      return { close() {} };
    },
  };
}

/** What changed between two lists of instances. A process that restarted under its old name both left and joined. */
export interface InstanceChange {
  readonly joined: readonly ServiceInstance[];
  readonly left: readonly ServiceInstance[];
  /** What was starting, and serves now: of these the objects as when they joined. */
  readonly ready: readonly ServiceInstance[];
}

/** Compares each list of instances with the one before. An instance that stays is the same object as when it joined. */
export function createInstanceTracker(): (instances: readonly ServiceInstance[]) => InstanceChange {
  let known: ReadonlyMap<string, ServiceInstance> = new Map();
  let starting: ReadonlySet<ServiceInstance> = new Set();
  return (instances) => {
    const before = known;
    const now = new Map<string, ServiceInstance>();
    const started: ServiceInstance[] = [];
    const stillStarting = new Set<ServiceInstance>();
    for (const instance of instances) {
      const identity = identityOf(instance);
      const kept = before.get(identity) ?? instance;
      now.set(identity, kept);
      if (instance.state === 'starting') stillStarting.add(kept);
      else if (starting.has(kept)) started.push(kept);
    }
    known = now;
    starting = stillStarting;
    return {
      ready: started,
      joined: [...now].filter(([identity]) => !before.has(identity)).map(([, instance]) => instance),
      left: [...before].filter(([identity]) => !now.has(identity)).map(([, instance]) => instance),
    };
  };
}

/** What an instance is asked about, and where: the same text means that there is nothing new to learn. */
function identityOf({ instanceId, incarnation, address, secure, services, fingerprints }: ServiceInstance): string {
  const contracts = [...services].sort().map((service) => [service, fingerprints[service] ?? '']);
  return JSON.stringify([instanceId, incarnation, address, secure, contracts]);
}
