import { type Logger, type Reply, runOutsideScope } from '../call/index.js';
import { type Clock, type Random, systemClock, systemRandom } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import type { Middleware } from '../middleware/index.js';
import { RetryBudget } from '../resilience/index.js';
import type { Resolver, Resolving, SourceView, Standing } from '../resolver/index.js';
import type { Attempt } from '../status/index.js';
import { type ConnectivityState, grpcTransport, type TransportFactory, type WireCall } from '../transport/index.js';
import { tryInTurn } from './attempts.js';
import type { ClientCall } from './client-call.js';
import { channelClosed, EndpointGroup } from './endpoint-group.js';

/** What a channel is made from. */
export interface ChannelOptions {
  readonly resolver: Resolver;
  /** Makes the connections; gRPC over HTTP/2 by default. */
  readonly transport?: TransportFactory;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Runs around every call of every client; the first listed is outermost. */
  readonly middleware?: readonly Middleware<ClientCall>[];
}

/** A service's endpoints as a channel sees them. */
export interface ServiceView {
  readonly service: string;
  readonly endpoints: readonly {
    readonly instanceId: string;
    readonly address: string;
    readonly state: ConnectivityState;
    /** Whether it takes calls, and else why not. */
    readonly standing: Standing;
    /** Why it can't be used, while its connection has failed. */
    readonly lastError: string | undefined;
    /** Why no call goes there: `connecting`, `draining`, `set aside: …`; undefined where calls do. */
    readonly held: string | undefined;
  }[];
  /** How the list stands to the registry; undefined where it is fixed. */
  readonly source: SourceView | undefined;
}

/** How calls leave a process: finds the instances of any service, keeps a connection to each and picks one a call. */
export interface Channel {
  readonly clock: Clock;
  readonly random: Random;
  readonly middleware: readonly Middleware<ClientCall>[];
  /** Looks a service up and connects to its instances before the first call of it. */
  follow(service: string): void;
  /** Makes a call, noting each try in `attempts`. It rejects with an `RpcError`. */
  call(method: Method, wire: WireCall, attempts: Attempt[]): Promise<Reply<Uint8Array>>;
  /** What it knows now, of each service that was called. */
  inspect(): readonly ServiceView[];
  /** No more calls; those in flight go on. */
  close(): void;
}

interface ServiceEntry {
  readonly group: EndpointGroup;
  readonly budget: RetryBudget;
  readonly resolving: Resolving;
}

/** Makes a channel. It looks a service up when it is first called. */
export function createChannel(options: ChannelOptions): Channel {
  const { resolver, clock = systemClock, random = systemRandom, middleware = [] } = options;
  const transport = options.transport ?? ((address, known) => grpcTransport(address, { ...known, clock, random }));
  const services = new Map<string, ServiceEntry>();
  let closed = false;

  function entryOf(service: string): ServiceEntry {
    return services.get(service) ?? open(service);
  }

  function open(service: string): ServiceEntry {
    const group = new EndpointGroup({ service, source: resolver.source, transport, clock, random });
    const resolving = runOutsideScope(() => resolver.resolve(service, group));
    const entry = { group, budget: new RetryBudget({ clock }), resolving };
    services.set(service, entry);
    return entry;
  }

  return {
    clock,
    random,
    middleware,
    follow(service) {
      if (!closed) entryOf(service);
    },
    call(method, wire, attempts) {
      if (closed) return Promise.reject(channelClosed());
      const { group, budget } = entryOf(method.service);
      return tryInTurn(method, wire, { group, budget, clock, attempts });
    },
    inspect: () => [...services].map(([service, entry]) => view(service, entry)),
    close() {
      closed = true;
      for (const { group, resolving } of services.values()) {
        resolving.close();
        group.close();
      }
      services.clear();
      resolver.close();
    },
  };
}

function view(service: string, { group, resolving }: ServiceEntry): ServiceView {
  const endpoints = group.members.map((member) => {
    const { instanceId, address, standing } = member.endpoint;
    const { state, lastError } = member.transport;
    return { instanceId, address, state, standing, lastError, held: member.whyNot() };
  });
  return { service, endpoints, source: resolving.inspect?.() };
}
