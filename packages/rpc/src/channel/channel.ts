import { type Clock, type Random, systemClock, systemRandom, systemWallClock, type WallClock } from '@rondo/base';
import { type Logger, type Reply, silentLogger } from '../call/call.js';
import type { ClientCall } from '../call/client-call.js';
import type { ServicePolicy } from '../contract/balancing.js';
import type { ServiceDefinition } from '../contract/definition.js';
import type { Method } from '../contract/method.js';
import type { BalancingOverrides, BreakerOverrides, BulkheadOverrides } from '../contract/setting-text.js';
import { clientErrors } from '../errors/client.js';
import type { CallSettings } from '../live-config/live-settings.js';
import type { Middleware } from '../middleware/middleware.js';
import { checkZone } from '../resolver/endpoint.js';
import type { Endpoint, ResolutionHandle, Resolver, ResolverListener } from '../resolver/resolver.js';
import { fixedEndpoint, fixedResolver } from '../resolver/static.js';
import type { RpcError } from '../status/rpc-error.js';
import type { GrpcTransportOptions } from '../transport/grpc/options.js';
import type { TransportFactory, WireCall } from '../transport/transport.js';
import { callInstance } from './call-instance.js';
import { type Choice, choose, type ImaginedCall, type OwnerOptions, ownerOf, watchOwner } from './choose.js';
import { connectionsOf } from './connections.js';
import { createFleet, type Fleet } from './fleet.js';
import { acceptGuards, acceptOverrides, Overrides } from './overrides.js';
import type { ChannelPolicies, Guard, Self } from './policies.js';
import { type AttemptOptions, callWithRetries } from './retry.js';
import { type ServiceView, viewEndpoints } from './service-view.js';
import { createServices, type ServiceEntry } from './services.js';

/**
 * Options of {@link createChannel}. `tls`, `maxReplyBytes`, `connectTimeoutMs`, `minPingIntervalMs`, `compression` and `frames` apply to
 * each gRPC connection, so they can't be combined with a `transport`; `mutualTls` is handed to it for each connection. An endpoint's own
 * `minPingIntervalMs` takes precedence.
 */
export interface ChannelOptions extends GrpcTransportOptions {
  readonly resolver: Resolver;
  /** Makes the connections. Default: gRPC over HTTP/2, with the options above. */
  readonly transport?: TransportFactory;
  readonly clock?: Clock;
  /** The clock for deadlines that are given as dates. */
  readonly wallClock?: WallClock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Middleware around every call of every client. The first listed is outermost. */
  readonly middleware?: readonly Middleware<ClientCall>[];
  /**
   * The innermost middleware, around the retries: it sees the metadata as it leaves the process. It may answer
   * after the call's deadline, because the call has ended for its caller by then.
   */
  readonly wireMiddleware?: readonly Middleware<ClientCall>[];
  /** This process's `region/zone`. */
  readonly zone?: string | undefined;
  /** Balancing by service name, which overrides the contracts. */
  readonly balancing?: BalancingOverrides;
  /** The policies of the plugin `@rondo/balancing`: without them, the channel refuses calls whose contracts need one. */
  readonly policies?: ChannelPolicies | undefined;
  /** Circuit breakers by service, `service/Method` or `*`, which override the contracts. */
  readonly breakers?: BreakerOverrides;
  /** Bulkheads by service, `service/Method` or `*`, which override the contracts. */
  readonly bulkheads?: BulkheadOverrides;
  /**
   * The service instance that this process is, as soon as it is known. Clients with subsets use it to spread evenly over the
   * instances of a large service.
   */
  readonly self?: Self | Promise<Self | undefined> | undefined;
  /**
   * Whether to watch the health of each connected instance (`grpc.health.v1.Health/Watch`). A `NOT_SERVING`
   * instance gets no calls. Default: false; true for a channel over the registry.
   */
  readonly healthCheck?: boolean;
}

/** Options of a call that don't cross the connection. */
interface ChannelCallOptions extends Omit<AttemptOptions, 'pool' | 'budget' | 'clock' | 'random' | 'hedge'> {
  /** The only instance that the call may go to, once; undefined for any. */
  readonly instance?: string | undefined;
}

/** Carries the calls of a process: finds the instances of any service, keeps connections to them and picks one for each call. */
export interface Channel {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly middleware: readonly Middleware<ClientCall>[];
  readonly wireMiddleware: readonly Middleware<ClientCall>[];
  /** This process's `region/zone`; empty if unknown. */
  readonly zone: string;
  /**
   * Looks a service up and connects to its instances before its first call. The first use of a service sets its policy.
   *
   * @throws TypeError if the configured balancing contradicts the service's contract. RpcError `FAILED_PRECONDITION` if it needs a
   *   plugin that the channel doesn't have.
   */
  follow(service: string, policy?: ServicePolicy): void;
  /**
   * Checks that the channel has the policies that the contract of a method names: a hedge, a breaker, a bulkhead.
   *
   * @throws RpcError `FAILED_PRECONDITION` that names the option, the package and the command.
   */
  checkPolicies(method: Method): void;
  /**
   * Watches all instances of all services, without connecting to them, until the result is closed. A channel whose resolver
   * doesn't know all services reports no instance.
   */
  followAll(listener: ResolverListener): ResolutionHandle;
  /** Makes a call. It rejects with an `RpcError`. */
  call(method: Method, wire: WireCall, options: ChannelCallOptions): Promise<Reply<Uint8Array>>;
  /**
   * Picks the instance that a call of the method would go to, without making the call. It waits for the lookup and for
   * connections as a call does, and rejects as the call would if no instance can take it.
   */
  choose(method: Method, call: ImaginedCall): Promise<Choice>;
  /**
   * The instance that owns a key of a service balanced by `ring_hash`: calls with the key go there from this process. It
   * waits for the lookup and for connections as a call does, and rejects as the call would if no instance can take it.
   *
   * @throws TypeError if keys of the service have no owner.
   */
  ownerOf(service: ServiceDefinition, key: string, options?: OwnerOptions): Promise<Choice>;
  /**
   * Gives the owner of a key as soon as it is connected, and then each new one, until `signal` aborts or the channel is closed. A
   * handler that holds state for a key thereby learns that the key has moved, because an open stream stays at its instance.
   *
   * @throws TypeError if keys of the service have no owner.
   */
  watchOwner(service: ServiceDefinition, key: string, options?: OwnerOptions): AsyncIterable<Choice>;
  /** The instances that can be called for a method, for callers that distribute work themselves. */
  fleet(method: Method): Fleet;
  /** Replaces the settings that override the options and the contracts. Calls in flight go on. */
  configure(settings: CallSettings): void;
  /** A channel to these endpoints alone, with the same TLS: for what is asked of a certain instance. */
  direct(endpoints: readonly Pick<Endpoint, 'address' | 'secure' | 'frames'>[]): Channel;
  /** The current state of each service that was used. */
  inspect(): readonly ServiceView[];
  /** The live settings that have no effect, because they need a plugin: `breaker of sales.v1.OrderService`. */
  readonly ignoredSettings: readonly string[];
  /** Refuses new calls. Calls in flight go on. */
  close(): void;
  readonly closed: boolean;
}

/**
 * Creates a channel. It looks a service up at the service's first use.
 *
 * @throws TypeError if `zone` is no `region/zone`, if `balancing`, `breakers`, `bulkheads` or an option of the connections is out of its bounds, or if
 *   such an option is combined with a `transport`. RpcError `FAILED_PRECONDITION` if one of the former needs `policies`.
 */
export function createChannel(options: ChannelOptions): Channel {
  const { resolver, policies, middleware = [], wireMiddleware = [], healthCheck = false } = options;
  const {
    clock = systemClock,
    wallClock = systemWallClock,
    random = systemRandom,
    logger: log = silentLogger,
  } = options;
  const zone = checkZone(options.zone ?? '', 'zone');
  const balancing = acceptOverrides(options.balancing ?? {});
  const overrides = new Overrides({ balancing, ...acceptGuards(options), log, plugged: policies !== undefined });
  const transport = connectionsOf(options, { clock, random, logger: log });
  let own: string | undefined;
  void Promise.resolve(options.self).then((self) => {
    own = self?.instanceId;
  });
  const shared = { clock, wallClock, random, zone };
  const services = createServices({
    ...shared,
    resolver,
    transport,
    servedBy: options.mutualTls?.servedBy,
    log,
    healthCheck,
    overrides,
    policies,
    self: options.self,
  });

  return {
    ...shared,
    middleware,
    wireMiddleware,
    follow(service, policy) {
      if (!services.closed) services.of(service, policy);
    },
    checkPolicies(method) {
      const error = missingPolicy(method, policies);
      if (error !== undefined) throw error;
    },
    followAll: (listener) => services.followAll(listener),
    // Each option by name: copying the rest of an object costs more than the whole pick.
    call(method, wire, { attempts, hashKey, instance, avoid, lost, requests, maxAttempts, waitForReady }) {
      const refusal = services.closed ? clientErrors.CHANNEL_CLOSED() : missingPolicy(method, policies);
      if (refusal !== undefined) return Promise.reject(refusal);
      const { pool, budget, guards } = services.of(method.service);
      if (instance !== undefined) return callInstance(method, wire, { pool, budget, clock, attempts, instance });
      const given = {
        attempts,
        hashKey,
        avoid,
        lost,
        requests,
        maxAttempts,
        waitForReady,
        pool,
        budget,
        clock,
        random,
      };
      const guard = guards?.of(method);
      return guard === undefined ? callWithRetries(method, wire, given) : callGuarded(guard, method, { wire, given });
    },
    // Asynchronous, so that it rejects where it would throw.
    choose: async (method, call) => choose(method, call, { pool: services.of(method.service).pool, clock }),
    ownerOf: (definition, key, asked) => ownerOf({ ...asked, definition, key, services, clock }),
    watchOwner: (definition, key, asked) => watchOwner({ ...asked, definition, key, services, clock }),
    fleet: (method) => createFleet(method, { ...services.of(method.service), clock, self: () => own }),
    direct: (endpoints) => createChannel({ ...directTo(endpoints, options), clock, wallClock, random }),
    configure: (settings) => services.configure(settings),
    inspect: () => services.all().map(view),
    get ignoredSettings() {
      return overrides.ignored;
    },
    close: () => services.close(),
    get closed() {
      return services.closed;
    },
  };
}

function directTo(endpoints: Parameters<Channel['direct']>[0], { mutualTls, frames }: ChannelOptions): ChannelOptions {
  const known = endpoints.map((one) => fixedEndpoint(one.address, { secure: one.secure, frames: one.frames }));
  return { resolver: fixedResolver(known), mutualTls, frames };
}

/** `FAILED_PRECONDITION` if the contract of a method needs the plugin and the channel lacks it. It names the option and the command. */
function missingPolicy({ service, name, policy }: Method, policies: ChannelPolicies | undefined): RpcError | undefined {
  if (policies !== undefined) return undefined;
  const own = policy.hedge ? 'hedge' : policy.breaker ? 'breaker' : policy.bulkhead && 'bulkhead';
  if (own === undefined) return undefined;
  return clientErrors.POLICY_MISSING({ option: `(rondo.options.v1.method).${own} of ${service}/${name}` });
}

/** Makes a call within the method's guard. It is apart, so that a call without a guard makes no closure. */
function callGuarded(
  guard: Guard,
  method: Method,
  { wire, given }: { readonly wire: WireCall; readonly given: AttemptOptions },
): Promise<Reply<Uint8Array>> {
  return guard.call(wire.context, () => callWithRetries(method, wire, { ...given, hedge: guard.hedge }));
}

function view({ service, pool, resolving, guards, balanced: { balancing, origin } }: ServiceEntry): ServiceView {
  const endpoints = viewEndpoints(pool.instances.all, balancing);
  const { stats: attempts, outliers } = pool;
  const source = resolving.inspect?.();
  const all = { endpoints, attempts, panics: outliers.panics, guards: guards?.view() ?? [], source };
  return { service, balancing: { ...balancing, origin }, ...all };
}
