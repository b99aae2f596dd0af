import type { Logger, Reply } from '../call/index.js';
import type { ClientCall } from '../client/client.js';
import { type Clock, type Random, systemClock, systemRandom, systemWallClock, type WallClock } from '../clock/index.js';
import type { BalancingOverrides, Method, ServicePolicy } from '../contract/index.js';
import type { Middleware } from '../middleware/index.js';
import { checkZone, type Resolver } from '../resolver/index.js';
import type { Attempt } from '../status/index.js';
import { type GrpcTransportOptions, grpcTransports, type TransportFactory, type WireCall } from '../transport/index.js';
import { callInstance } from './call-instance.js';
import { type Choice, choose, type ImaginedCall } from './choose.js';
import { createFleet, type Fleet } from './fleet.js';
import { channelClosed } from './lookup.js';
import type { Self } from './position.js';
import { callWithRetries } from './retry.js';
import { type ServiceView, viewEndpoints } from './service-view.js';
import { acceptOverrides, createServices, type ServiceEntry } from './services.js';

/**
 * What a channel is made from. `tls`, `maxReplyBytes`, `connectTimeoutMs`, `minPingIntervalMs` and `compression` hold for each
 * of its connections; an endpoint that says itself how often it may be pinged is taken at its word. They are for gRPC over HTTP/2:
 * a `transport` of one's own makes connections as it likes, and excludes them.
 */
export interface ChannelOptions extends GrpcTransportOptions {
  readonly resolver: Resolver;
  /** Makes the connections; gRPC over HTTP/2 by default, by the options above. */
  readonly transport?: TransportFactory;
  readonly clock?: Clock;
  /** By which deadlines that are dates are understood. */
  readonly wallClock?: WallClock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Runs around every call of every client; the first listed is outermost. */
  readonly middleware?: readonly Middleware<ClientCall>[];
  /** Where this process runs, as `region/zone`. */
  readonly zone?: string | undefined;
  /** How services are balanced where that isn't to be as their contracts say. */
  readonly balancing?: BalancingOverrides;
  /**
   * The instance that this process is, as soon as that is known: by it those that use a part of a service's instances
   * share them out evenly.
   */
  readonly self?: Self | Promise<Self | undefined> | undefined;
  /**
   * Whether each instance that is connected is asked to tell of its health, by a stream of `grpc.health.v1.Health`: one
   * that says that it doesn't serve gets no calls. False by default; a channel over the registry does.
   */
  readonly healthCheck?: boolean;
}

/** What goes with a call beside what crosses the connection. */
interface ChannelCallOptions {
  /** Filled with each try, as it begins and as it ends. */
  readonly attempts: Attempt[];
  /** What decides where it goes, where the service is balanced by that. */
  readonly hashKey?: string | undefined;
  /** The one instance that it may go to; undefined for any. */
  readonly instance?: string | undefined;
  /** One that isn't asked where another takes the call: it has just failed. */
  readonly lost?: string | undefined;
}

/** How calls leave a process: finds the instances of any service, keeps a connection to each and picks one a call. */
export interface Channel {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly middleware: readonly Middleware<ClientCall>[];
  /** Where this process runs, as `region/zone`; empty where nobody said. */
  readonly zone: string;
  /**
   * Looks a service up and connects to its instances before the first call of it; the first to say so sets its policy.
   *
   * @throws TypeError where what is configured doesn't go with the service's contract.
   */
  follow(service: string, policy?: ServicePolicy): void;
  /** Makes a call. It rejects with an `RpcError`. */
  call(method: Method, wire: WireCall, options: ChannelCallOptions): Promise<Reply<Uint8Array>>;
  /**
   * Whom a call of the method would go to now, without making it: it takes its turn as a call does, and waits as one does
   * for the instances to be known and connected. It rejects as the call would that nobody can take.
   */
  choose(method: Method, call: ImaginedCall): Promise<Choice>;
  /** The instances that can be asked for a method, for whoever shares work out among them by itself. */
  fleet(method: Method): Fleet;
  /** What it knows now, of each service that was called. */
  inspect(): readonly ServiceView[];
  /** No more calls; those in flight go on. */
  close(): void;
  /** Whether it is closed. */
  readonly closed: boolean;
}

/**
 * Makes a channel. It looks a service up when it is first called.
 *
 * @throws TypeError where `zone` is no `region/zone`, `balancing` or an option of the connections is out of its bounds, or
 *   such an option is given beside a `transport`.
 */
export function createChannel(options: ChannelOptions): Channel {
  const { resolver, middleware = [], healthCheck = false } = options;
  const { clock = systemClock, wallClock = systemWallClock, random = systemRandom } = options;
  const zone = checkZone(options.zone ?? '', 'zone');
  const overrides = acceptOverrides(options.balancing ?? {});
  const transport = connectionsOf(options, { clock, random });
  const services = createServices({
    resolver,
    transport,
    clock,
    random,
    zone,
    healthCheck,
    overrides,
    self: options.self,
  });

  return {
    clock,
    wallClock,
    random,
    middleware,
    zone,
    follow(service, policy) {
      if (!services.closed) services.of(service, policy);
    },
    call(method, wire, { attempts, hashKey, instance, lost }) {
      if (services.closed) return Promise.reject(channelClosed());
      const { pool, budget } = services.of(method.service);
      if (instance !== undefined) return callInstance(method, wire, { pool, budget, clock, attempts, instance });
      return callWithRetries(method, wire, { pool, budget, clock, attempts, hashKey, lost });
    },
    // Asynchronous, so that it rejects where it would throw.
    choose: async (method, call) => choose(method, call, { pool: services.of(method.service).pool, clock }),
    fleet: (method) => createFleet(method, { ...services.of(method.service), clock }),
    inspect: () => services.all().map(view),
    close: () => services.close(),
    get closed() {
      return services.closed;
    },
  };
}

function view({ service, pool, resolving, said: { balancing, origin } }: ServiceEntry): ServiceView {
  const endpoints = viewEndpoints(pool.subchannels, balancing);
  const { panics } = pool;
  return { service, balancing: { ...balancing, origin }, endpoints, panics, source: resolving.inspect?.() };
}

/** How a channel's connections are made: by gRPC with these options, or by a transport of one's own. */
interface ConnectionsOptions extends GrpcTransportOptions {
  readonly transport?: TransportFactory;
}

/**
 * What makes a channel's connections.
 *
 * @throws TypeError where an option is out of its bounds, or given beside a transport that would not heed it.
 */
function connectionsOf(
  { transport, tls, maxReplyBytes, connectTimeoutMs, minPingIntervalMs, compression }: ConnectionsOptions,
  surroundings: { readonly clock: Clock; readonly random: Random },
): TransportFactory {
  const options = { tls, maxReplyBytes, connectTimeoutMs, minPingIntervalMs, compression };
  if (transport === undefined) return grpcTransports({ ...options, ...surroundings });
  const given = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length === 0) return transport;
  const both = `transport and ${given.join(', ')}`;
  throw new TypeError(
    `${both} can't both be given: a transport makes its connections by itself; hand them to grpcTransport in there, or leave transport out`,
  );
}
