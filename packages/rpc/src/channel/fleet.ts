import type { CallLimit } from '../call/index.js';
import type { Clock } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import type { RpcError } from '../status/index.js';
import type { EndpointPool } from './endpoint-pool.js';
import { noInstanceError } from './no-instance.js';
import type { RetryBudget } from './retry-budget.js';
import type { Subchannel } from './subchannel.js';
import { mayServe } from './traffic-groups.js';
import { untilKnown } from './wait-for-pick.js';

/** Who can be asked, by name, as things stand. */
export interface FleetStanding {
  /** Those that are connected and take calls. */
  readonly ready: readonly string[];
  /** Those that a call would have connected first. */
  readonly idle: readonly string[];
  /** Those that are being connected. */
  readonly coming: readonly string[];
}

/** The instances of a service as the calls of one method see them: for whoever shares work out among them by itself. */
export interface Fleet {
  /** Resolves once it is known who there is, be it nobody. @throws RpcError the limit's reason, where it ends before. */
  known(limit: CallLimit): Promise<void>;
  standing(): FleetStanding;
  /** All that are to serve, in the order of their names, be it that they can't be reached now. */
  serving(): readonly string[];
  /** Why there is nobody to ask. */
  whyNobody(): RpcError;
  /** Calls `listener` at each change, until the function returned is called. */
  onChange(listener: () => void): () => void;
  /** Whether a call may be made a further time elsewhere, as tries share a budget; if so, it is counted. */
  mayTryAgain(): boolean;
}

/** What a fleet is made from. */
interface FleetOptions {
  readonly pool: EndpointPool;
  readonly budget: RetryBudget;
  readonly clock: Clock;
}

/** The fleet of `method` over the endpoints of its service. */
export function createFleet(method: Method, { pool, budget, clock }: FleetOptions): Fleet {
  // A canary for 0 % gets no calls but those that ask for its version, and work that is shared out asks for none.
  const isMeant = ({ endpoint }: Subchannel) => mayServe(endpoint, undefined);
  const isWilling = (subchannel: Subchannel) => !subchannel.candidate(method.path).setAside;
  return {
    async known(limit) {
      const known = untilKnown({ limit }, { pool, clock });
      if (known !== undefined) await limit.race(known);
      limit.throwIfEnded();
    },
    standing() {
      const subchannels = pool.subchannels.filter(isMeant);
      const ready = subchannels.filter((subchannel) => subchannel.ready);
      if (pool.connectingFirst)
        return { ready: [], idle: [], coming: named(subchannels.filter(({ serving }) => serving)) };
      const hopeful = subchannels.filter((subchannel) => subchannel.mayBecomeReady && isWilling(subchannel));
      const idle = hopeful.filter(({ transport }) => transport.state === 'idle');
      const coming = hopeful.filter(({ transport }) => transport.state === 'connecting');
      const willing = ready.filter(isWilling);
      // Where there is no hope of another, those that are set aside are asked: nothing is worse than nobody.
      const asked = willing.length + hopeful.length > 0 ? willing : ready;
      return { ready: named(asked), idle: named(idle), coming: named(coming) };
    },
    serving: () => named(pool.subchannels.filter(({ serving }) => serving)).toSorted(),
    whyNobody: () => pool.noInstanceError() ?? noInstanceError(method, { pool, attempts: [] }),
    onChange: (listener) => pool.onChange(listener),
    mayTryAgain: () => budget.withdraw(),
  };
}

function named(subchannels: readonly Subchannel[]): readonly string[] {
  return subchannels.map(({ endpoint }) => endpoint.instanceId);
}
