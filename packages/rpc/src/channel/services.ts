import { isDeepStrictEqual } from 'node:util';
import type { Clock, Random, WallClock } from '@rondo/base';
import type { Logger } from '../call/call.js';
import { runOutsideScope } from '../call/scope.js';
import { DEFAULT_SERVICE_POLICY, type ServicePolicy } from '../contract/balancing.js';
import { clientErrors } from '../errors/client.js';
import type { CallSettings } from '../live-config/live-settings.js';
import { ALL_SERVICES, type ResolutionHandle, type Resolver, type ResolverListener } from '../resolver/resolver.js';
import type { ServedBy } from '../tls/served-by.js';
import type { TransportFactory } from '../transport/transport.js';
import { Connections } from './connections.js';
import { EndpointPool } from './endpoint-pool.js';
import { RetryBudget } from './failure.js';
import type { Overrides, ServiceBalancing } from './overrides.js';
import { type ChannelPolicies, type Guards, pluggedIn, type Self, type Subsets } from './policies.js';

/** Options of {@link createServices}. */
interface ServicesOptions {
  readonly resolver: Resolver;
  readonly transport: TransportFactory;
  /** Tells which processes may serve a service; undefined if every process may. */
  readonly servedBy: ServedBy | undefined;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log: Logger;
  readonly random: Random;
  readonly zone: string;
  readonly healthCheck: boolean;
  readonly overrides: Overrides;
  /** The policies of the plugin, if the channel has it. */
  readonly policies: ChannelPolicies | undefined;
  readonly self: Self | Promise<Self | undefined> | undefined;
}

/** One service in a channel. */
export interface ServiceEntry {
  readonly service: string;
  /** How it is balanced, and where that is configured. */
  balanced: ServiceBalancing;
  /** What its contract says. */
  readonly policy: ServicePolicy;
  readonly pool: EndpointPool;
  readonly budget: RetryBudget;
  /** What stands around the calls of its methods; undefined without the plugin. */
  readonly guards: Guards | undefined;
  readonly resolving: ResolutionHandle;
}

/** The services that a channel calls. Each is looked up when it is first used. */
export type Services = ReturnType<typeof createServices>;

export function createServices({ overrides, self, transport, servedBy, ...shared }: ServicesOptions) {
  const { resolver, policies, clock, wallClock, log, random, zone } = shared;
  const connections = new Connections(transport, servedBy);
  const entries = new Map<string, ServiceEntry>();
  let subsets: Subsets | undefined;

  function configure(settings: CallSettings): void {
    overrides.live = settings;
    for (const entry of entries.values()) {
      entry.guards?.configure(overrides.guards);
      entry.pool.overrideCanaries(overrides.canaryPercentOf(entry.service));
      const balanced = overrides.balancingOf(entry.service, entry.policy);
      // The subset is chosen once, with the first use of the service.
      const balancing = { ...balanced.balancing, subsetSize: entry.balanced.balancing.subsetSize };
      if (isDeepStrictEqual(balancing, entry.balanced.balancing)) continue;
      entry.balanced = { ...balanced, balancing };
      entry.pool.rebalance(balancing);
    }
  }

  function open(service: string, policy: ServicePolicy): ServiceEntry {
    if (services.closed) throw clientErrors.CHANNEL_CLOSED();
    const balanced = overrides.balancingOf(service, policy);
    const { balancing } = balanced;
    const missing = policies === undefined ? pluggedIn(balancing) : undefined;
    if (missing !== undefined) {
      const option = `(rondo.options.v1.service).balancing, ${missing}, of ${service}`;
      throw clientErrors.POLICY_MISSING({ option });
    }
    const { source, remedy } = resolver;
    // The subsets of a channel watch its own service, from the first subset on.
    const subset = runOutsideScope(() => {
      if (balancing.subsetSize === undefined) return undefined;
      subsets ??= policies?.openSubsets({ resolver, self, random, zone });
      return subsets?.open(balancing, () => pool.onSubsetMove());
    });
    const own = { connections, service, source, remedy, balancing, subset };
    const pool: EndpointPool = new EndpointPool({ ...shared, ...own });
    const resolving = runOutsideScope(() => resolver.resolve(service, pool));
    pool.overrideCanaries(overrides.canaryPercentOf(service));
    const inPanic = (path: string) => pool.outliers.panic(path) !== undefined;
    const guards = policies?.openGuards(overrides.guards, { clock, wallClock, log, inPanic });
    const entry: ServiceEntry = {
      service,
      policy,
      balanced,
      pool,
      budget: new RetryBudget({ clock }),
      guards,
      resolving,
    };
    entries.set(service, entry);
    return entry;
  }

  const services = {
    closed: false,
    /** The entry of a service. Its first use sets its policy. @throws RpcError after `close`, or without the plugin that it needs. */
    of: (service: string, policy = DEFAULT_SERVICE_POLICY) => entries.get(service) ?? open(service, policy),
    /** The services used so far. */
    all: () => [...entries.values()],
    configure,
    /** Watches all instances of all services. */
    followAll(listener: ResolverListener): ResolutionHandle {
      if (services.closed) return { close() {} };
      return runOutsideScope(() => resolver.resolve(ALL_SERVICES, listener));
    },
    close() {
      services.closed = true;
      for (const { pool, resolving } of entries.values()) {
        resolving.close();
        pool.close();
      }
      entries.clear();
      subsets?.close();
      resolver.close();
    },
  };
  return services;
}
