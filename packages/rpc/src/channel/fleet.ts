import type { Clock } from '@rondo/base';
import type { CallContext } from '../call/call-context.js';
import type { Method } from '../contract/method.js';
import type { RpcError } from '../status/rpc-error.js';
import type { EndpointPool } from './endpoint-pool.js';
import type { RetryBudget } from './failure.js';
import { noInstanceError } from './no-instance.js';
import { mayServe } from './picker.js';
import type { Subchannel } from './subchannel.js';
import { untilKnown } from './wait-for-pick.js';

/** The ids of the instances that can be called now. */
export interface FleetStanding {
  /** Connected, and they take calls. */
  readonly ready: readonly string[];
  /** Not connected: a call would connect first. */
  readonly idle: readonly string[];
  /** Being connected. */
  readonly coming: readonly string[];
}

/** The instances of a service for the calls of one method, for callers that distribute work themselves (scatter–gather). */
export interface Fleet {
  /** Resolves when the lookup has ended, even with no instance. @throws RpcError the context's reason if it ends first. */
  known(context: CallContext): Promise<void>;
  standing(): FleetStanding;
  /** All instances that are to serve, sorted by id, including unreachable ones. */
  serving(): readonly string[];
  /** The id of this process; undefined if it is no instance, or while its id isn't known yet. */
  readonly self: string | undefined;
  /** As `self`, but undefined also if this process alone is to serve the method. */
  readonly own: string | undefined;
  /** Whether the instance says that it leaves. */
  isLeaving(instance: string): boolean;
  /** Why no instance can be called. */
  noInstanceError(): RpcError;
  /** Calls `listener` at each change, until the returned function is called. */
  onChange(listener: () => void): () => void;
  /** Takes one retry from the service's budget. Returns whether there was one. */
  mayRetry(): boolean;
}

/** What a fleet is made from. */
interface FleetOptions {
  readonly pool: EndpointPool;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  readonly self: () => string | undefined;
}

/** Creates the fleet of `method` over the pool of its service. */
export function createFleet(method: Method, { pool, budget, clock, self }: FleetOptions): Fleet {
  // A canary of 0 % gets only calls that ask for its version, and distributed work asks for none.
  const isMeant = ({ endpoint }: Subchannel) => mayServe(endpoint, undefined);
  const isAvailable = (subchannel: Subchannel) => !subchannel.candidate(method.path).setAside;
  return {
    async known(context) {
      await context.race(untilKnown({ context }, { pool, clock }));
      context.throwIfEnded();
    },
    standing() {
      const subchannels = pool.instances.all.filter(isMeant);
      const ready = subchannels.filter((subchannel) => subchannel.ready);
      if (pool.connecting.holdsFirst)
        return { ready: [], idle: [], coming: named(subchannels.filter(({ serving }) => serving)) };
      const connectable = subchannels.filter((subchannel) => subchannel.mayBecomeReady && isAvailable(subchannel));
      const idle = connectable.filter(({ transport }) => transport.state === 'idle');
      const coming = connectable.filter(({ transport }) => transport.state === 'connecting');
      const available = ready.filter(isAvailable);
      // With no other instance in sight, work goes to instances that are set aside, as calls do.
      const asked = available.length + connectable.length > 0 ? available : ready;
      return { ready: named(asked), idle: named(idle), coming: named(coming) };
    },
    serving: () => named(pool.instances.all.filter(({ serving }) => serving)).toSorted(),
    get self() {
      return self();
    },
    get own() {
      const [id, all] = [self(), pool.instances.all];
      const serves = (other: Subchannel) => other.serving && isMeant(other) && !other.candidate(method.path).refuses;
      const isAlone = all.every((one) => one.endpoint.instanceId === id || !serves(one));
      return all.length > 0 && isAlone ? undefined : id;
    },
    isLeaving: (instance) => pool.instances.find(instance)?.endpoint.state === 'draining',
    noInstanceError: () => pool.noInstanceError() ?? noInstanceError(method, { pool, attempts: [] }),
    onChange: (listener) => pool.onChange(listener),
    mayRetry: () => budget.withdraw(),
  };
}

function named(subchannels: readonly Subchannel[]): readonly string[] {
  return subchannels.map(({ endpoint }) => endpoint.instanceId);
}
