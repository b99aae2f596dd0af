import { runOutsideScope } from '../call/index.js';
import type { Clock, Random } from '../clock/index.js';
import {
  type Balancing,
  type BalancingOverrides,
  checkBalancing,
  checkOverrides,
  DEFAULT_SERVICE_POLICY,
  EVERY_SERVICE,
  type ServicePolicy,
} from '../contract/index.js';
import type { Resolver, Resolving } from '../resolver/index.js';
import type { TransportFactory } from '../transport/index.js';
import { EndpointPool } from './endpoint-pool.js';
import { channelClosed } from './lookup.js';
import { followPosition, type Position, type Self } from './position.js';
import { RetryBudget } from './retry-budget.js';

/** What services are called with. */
interface ServicesOptions {
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
  readonly pool: EndpointPool;
  readonly budget: RetryBudget;
  readonly resolving: Resolving;
}

/** The services that a channel calls, each looked up when it is first asked for. */
interface Services {
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
      for (const { pool } of entries.values()) pool.onPosition();
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
    const pool = new EndpointPool({
      ...surroundings,
      service,
      source,
      balancing,
      position: positionFor(balancing),
    });
    const resolving = runOutsideScope(() => resolver.resolve(service, pool));
    const entry = { service, said, pool, budget: new RetryBudget({ clock }), resolving };
    entries.set(service, entry);
    return entry;
  }

  return {
    of: (service, policy = DEFAULT_SERVICE_POLICY) => entries.get(service) ?? open(service, policy),
    all: () => [...entries.values()],
    close() {
      closed = true;
      for (const { pool, resolving } of entries.values()) {
        resolving.close();
        pool.close();
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

/** Who said how a service is balanced: nobody, its contract, or what this process is configured with. */
export type BalancingOrigin = 'default' | 'contract' | 'configuration';

/** How a service is balanced, and who said so. */
interface ServiceBalancing {
  readonly balancing: Balancing;
  readonly origin: BalancingOrigin;
}

/** A service can't be balanced as its contract and the configuration of this process have it, taken together. */
export class BalancingError extends TypeError {
  override readonly name = 'BalancingError';
}

/**
 * Holds what code says of balancing to its bounds.
 *
 * @throws TypeError that lists every fault.
 */
export function acceptOverrides(overrides: BalancingOverrides): BalancingOverrides {
  const faults = checkOverrides(overrides);
  if (faults.length > 0) throw new TypeError(`balancing: ${faults.join('; ')}`);
  return overrides;
}

/**
 * How `service` is balanced: as configured, as far as that goes, and else as its contract says. What an instance's weight
 * is belongs to a policy: where the configuration names another, it is the configuration's to say that, too.
 *
 * @throws BalancingError where the two don't go together; it names the service and the remedy.
 */
export function balancingOf(
  service: string,
  { balancing: contract, declared = false, keyed }: ServicePolicy,
  overrides: BalancingOverrides,
): ServiceBalancing {
  const override = overrideOf(service, overrides);
  const weights = override?.policy === undefined || override.policy === contract.policy ? contract.weights : 'static';
  const balancing = { ...contract, weights, ...override };
  const fault = checkBalancing(balancing) ?? keyFault(balancing, keyed);
  if (fault !== undefined) throw new BalancingError(`${service} can't be balanced so: ${fault}`);
  const said = declared ? 'contract' : 'default';
  return { balancing, origin: override === undefined ? said : 'configuration' };
}

function overrideOf(service: string, overrides: BalancingOverrides): Partial<Balancing> | undefined {
  if (Object.hasOwn(overrides, service)) return overrides[service];
  return Object.hasOwn(overrides, EVERY_SERVICE) ? overrides[EVERY_SERVICE] : undefined;
}

function keyFault({ policy }: Balancing, keyed: boolean | undefined): string | undefined {
  if (policy !== 'ring_hash' || keyed !== false) return undefined;
  return (
    'ring_hash sends calls with equal keys to one instance, and no method of its contract says what its key is: ' +
    'give one a (rondo.options.v1.method).hash_key, or choose another policy'
  );
}
