import type { Logger } from '../call/call.js';
import { runOutsideScope } from '../call/scope.js';
import type { Clock, Random, WallClock } from '../clock/clock.js';
import { type Balancing, checkBalancing, DEFAULT_SERVICE_POLICY, type ServicePolicy } from '../contract/balancing.js';
import { type BalancingOverrides, checkOverrides, EVERY_SERVICE } from '../contract/balancing-text.js';
import { ALL_SERVICES, type ResolutionHandle, type Resolver, type ResolverListener } from '../resolver/resolver.js';
import type { TransportFactory } from '../transport/transport.js';
import { type GuardSettings, Guards } from './circuit-breaker/guards.js';
import { Connections } from './connections.js';
import { EndpointPool } from './endpoint-pool.js';
import { channelClosed } from './lookup.js';
import { followPosition, type Position, type Self } from './position.js';
import { RetryBudget } from './retry-budget.js';

/** Options of {@link createServices}. */
interface ServicesOptions {
  readonly resolver: Resolver;
  readonly transport: TransportFactory;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log: Logger;
  readonly random: Random;
  readonly zone: string;
  readonly healthCheck: boolean;
  readonly overrides: BalancingOverrides;
  readonly guards: GuardSettings;
  readonly self: Self | Promise<Self | undefined> | undefined;
}

/** One service in a channel. */
export interface ServiceEntry {
  readonly service: string;
  /** How it is balanced, and where that is configured. */
  readonly balanced: ServiceBalancing;
  readonly pool: EndpointPool;
  readonly budget: RetryBudget;
  /** The breakers and bulkheads of its methods. */
  readonly guards: Guards;
  readonly resolving: ResolutionHandle;
}

/** The services that a channel calls. Each is looked up when it is first used. */
interface Services {
  /** The entry of a service. Its first use sets its policy. @throws RpcError after `close`. */
  of(service: string, policy?: ServicePolicy): ServiceEntry;
  /** The services used so far. */
  all(): readonly ServiceEntry[];
  /** Watches all instances of all services. */
  followAll(listener: ResolverListener): ResolutionHandle;
  close(): void;
  readonly closed: boolean;
}

export function createServices({ overrides, self, transport, guards: settings, ...shared }: ServicesOptions): Services {
  const { resolver, clock, wallClock, log, random, zone } = shared;
  const connections = new Connections(transport);
  const entries = new Map<string, ServiceEntry>();
  let position: Position | undefined;
  let closed = false;

  /** The position is watched only if a service is used through a subset. */
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
    const balanced = balancingOf(service, policy, overrides);
    const { balancing } = balanced;
    const { source, remedy } = resolver;
    const pool = new EndpointPool({
      ...shared,
      connections,
      service,
      source,
      remedy,
      balancing,
      position: positionFor(balancing),
    });
    const resolving = runOutsideScope(() => resolver.resolve(service, pool));
    const guards = new Guards(settings, { clock, wallClock, log, inPanic: (path) => pool.panic(path) !== undefined });
    const entry = { service, balanced, pool, budget: new RetryBudget({ clock }), guards, resolving };
    entries.set(service, entry);
    return entry;
  }

  return {
    of: (service, policy = DEFAULT_SERVICE_POLICY) => entries.get(service) ?? open(service, policy),
    all: () => [...entries.values()],
    followAll(listener) {
      if (closed) return { close() {} };
      return runOutsideScope(() => resolver.resolve(ALL_SERVICES, listener));
    },
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

/** Where the balancing of a service comes from: the defaults, its contract, or this process's configuration. */
export type BalancingOrigin = 'default' | 'contract' | 'configuration';

/** The balancing of a service and its origin. */
interface ServiceBalancing {
  readonly balancing: Balancing;
  readonly origin: BalancingOrigin;
}

/** The balancing in a service's contract and in this process's configuration contradict each other. */
export class BalancingError extends TypeError {
  override readonly name = 'BalancingError';
}

/**
 * Checks the balancing overrides that code passes.
 *
 * @throws TypeError that lists every fault.
 */
export function acceptOverrides(overrides: BalancingOverrides): BalancingOverrides {
  const faults = checkOverrides(overrides);
  if (faults.length > 0) throw new TypeError(`balancing: ${faults.join('; ')}`);
  return overrides;
}

/**
 * The balancing of `service`: the configuration overrides the contract field by field. `weights` belongs to the policy: if the
 * configuration names another policy, the contract's `weights` don't apply.
 *
 * @throws BalancingError if the two contradict each other. It names the service and the remedy.
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
  const declaredBy = declared ? 'contract' : 'default';
  return { balancing, origin: override === undefined ? declaredBy : 'configuration' };
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
