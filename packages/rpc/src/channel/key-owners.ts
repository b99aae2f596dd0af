import type { BalancingPolicy, Candidate, PickCall, Picker } from '../balancer/picker.js';
import type { Method } from '../contract/method.js';
import { STABLE, trafficGroupOf } from './picker.js';
import type { MethodCandidate, Subchannel } from './subchannel.js';
import type { Subchannels } from './subchannels.js';

/** Finds the owners of keys, for a service whose policy sends equal keys to one instance. */
export class KeyOwners {
  readonly #policy: BalancingPolicy;
  readonly #instances: Subchannels;
  /** A picker over the present instances, made at its first use. */
  #picker: Picker<Candidate> | undefined;

  constructor(policy: BalancingPolicy, instances: Subchannels) {
    this.#policy = policy;
    this.#instances = instances;
  }

  /** The instances have changed. */
  update(): void {
    this.#picker = undefined;
  }

  /** The instance that a key belongs to, connected or about to be; undefined if it has none. */
  of(key: string): Subchannel | undefined {
    if (key === '') return undefined;
    this.#picker ??= this.#policy.over(this.#instances.inUse.filter(mayOwn).map(asOwner));
    const owner = this.#picker.pick({ hashKey: key, tried: [] });
    return owner && this.#instances.find(owner.id);
  }

  /** Whether a call has to wait until the owner of its key is connected. */
  awaitsOwner(method: Method, call: PickCall<MethodCandidate>): boolean {
    const { hashKey = '', tried, version } = call;
    if (tried.length > 0 || version !== undefined) return false;
    const owner = this.of(hashKey);
    if (owner === undefined || owner.ready || !this.#instances.connectable(method, call).includes(owner)) return false;
    if (owner.transport.state === 'idle') owner.connect();
    return true;
  }
}

const mayOwn = (one: Subchannel): boolean => one.mayOwn && trafficGroupOf(one.endpoint) === STABLE;

/** An instance as a possible owner of keys, however new or busy it is. */
function asOwner({ endpoint: { instanceId: id, zone, weight } }: Subchannel): Candidate {
  return { id, zone, weight, loadWeight: undefined, ramp: 1, inFlight: 0 };
}
