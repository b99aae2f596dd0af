import { runOutsideScope } from '../call/index.js';
import type { Clock, Random } from '../clock/index.js';
import {
  type Balancing,
  type BalancingOverrides,
  DEFAULT_SERVICE_POLICY,
  type ServicePolicy,
} from '../contract/index.js';
import { RetryBudget } from '../resilience/retry-budget.js';
import type { Resolver, Resolving } from '../resolver/index.js';
import type { TransportFactory } from '../transport/index.js';
import { channelClosed } from './group/lookup.js';
import { EndpointGroup } from './group/endpoint-group.js';
import { balancingOf, type ServiceBalancing } from './service-balancing.js';
import { followPosition, type Position, type Self } from './subset/position.js';

/** What services are called with. */
export interface ServicesOptions {
  readonly resolver: Resolver;
  readonly transport: TransportFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly zone: string;
  readonly healthCheck: boolean;
  readonly overrides: BalancingOverrides;
  readonly self: Self | Promise<Self | undefined> | undefined;
}

/** What a channel has of one service. */
export interface ServiceEntry {
  readonly service: string;
  /** How it is balanced, and who said so. */
  readonly said: ServiceBalancing;
  readonly group: EndpointGroup;
  readonly budget: RetryBudget;
  readonly resolving: Resolving;
}

/** The services that a channel calls, each looked up when it is first asked for. */
export interface Services {
  /** That service; the first to ask for it sets its policy. @throws RpcError once they are closed. */
  of(service: string, policy?: ServicePolicy): ServiceEntry;
  /** Those that were asked for. */
  all(): readonly ServiceEntry[];
  close(): void;
  readonly closed: boolean;
}

/** Makes the services of a channel: none yet. */
export function createServices({ overrides, self, ...surroundings }: ServicesOptions): Services {
  const { resolver, clock, random, zone } = surroundings;
  const entries = new Map<string, ServiceEntry>();
  let position: Position | undefined;
  let closed = false;

  /** Followed from the first service on of which a part is used. */
  function positionFor({ policy, subsetSize }: Balancing): () => number {
    if (subsetSize === undefined) return () => 0;
    const onChange = () => {
      for (const { group } of entries.values()) group.onPosition();
    };
    position ??= runOutsideScope(() => followPosition({ resolver, self, random, zone, onChange }));
    const scope = policy === 'zone_aware' && zone !== '' ? 'zone' : 'all';
    return () => position?.of(scope) ?? 0;
  }

  function open(service: string, policy: ServicePolicy): ServiceEntry {
    if (closed) throw channelClosed();
    const said = balancingOf(service, policy, overrides);
    const { balancing } = said;
    const { source } = resolver;
    const group = new EndpointGroup({
      ...surroundings,
      service,
      source,
      balancing,
      position: positionFor(balancing),
    });
    const resolving = runOutsideScope(() => resolver.resolve(service, group));
    const entry = { service, said, group, budget: new RetryBudget({ clock }), resolving };
    entries.set(service, entry);
    return entry;
  }

  return {
    of: (service, policy = DEFAULT_SERVICE_POLICY) => entries.get(service) ?? open(service, policy),
    all: () => [...entries.values()],
    close() {
      closed = true;
      for (const { group, resolving } of entries.values()) {
        resolving.close();
        group.close();
      }
      entries.clear();
      position?.close();
      resolver.close();
    },
    get closed() {
      return closed;
    },
  };
}
