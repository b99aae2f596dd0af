import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Logger } from '@rondo/rpc/call';
import { type Channel, createChannel, fixedEndpoint, type Resolver } from '@rondo/rpc/client';
import type { Clock, Random } from '@rondo/rpc/clock';
import {
  type MutualTls,
  PEER_PING_INTERVAL_MS,
  peerTransports,
  type ResolverListener,
  type TransportFactory,
  wrapTransport,
} from '@rondo/rpc/internal';

/** The connection to the registry, as a registration uses it. */
export interface RegistryLink {
  /** Stay with the registry that answered last: it works. */
  settle(): void;
  /**
   * Leave the current registry, which failed, and try the others. Returns whether there is one that hasn't just failed,
   * too.
   */
  search(): boolean;
  /** Calls `listener` each time a connection is made again after a break. The returned function stops that. */
  onReconnect(listener: () => void): () => void;
}

/** Where the registries are. */
export interface RegistryLinkOptions {
  /** The registries' addresses, as `host:port`. All of them share one store. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Undefined for connections without TLS. */
  readonly mutualTls?: MutualTls | undefined;
  /** Whether registries are called by frames; a registry of 0.2 is called by gRPC. True by default. */
  readonly frames?: boolean | undefined;
  /** Creates the connections instead. */
  readonly transport?: TransportFactory;
}

/** A link to one of several registries, with its channel. */
export interface ConnectedRegistryLink extends RegistryLink {
  readonly channel: Channel;
}

/**
 * Connects to one of several registries and stays with it until it fails. Each process thus holds one connection,
 * and a lease stays at one registry even if the registries by mistake don't share a store. After a failure it takes
 * the first other registry that answers. If all others fail, it tries all of them in turn.
 */
export function createRegistryLink(options: RegistryLinkOptions): ConnectedRegistryLink {
  const { addresses, clock, random, log, mutualTls, frames } = options;
  const servers = mutualTls?.servedBy(RegistryServiceDefinition.fullName);
  const connect = options.transport ?? peerTransports({ clock, random, logger: log, mutualTls, frames });
  const reconnects = createReconnects((address, known) => connect(address, { ...known, servers }));
  const list = createList(addresses);
  /** The registry that the link stays with. */
  let settled: string | undefined;
  return {
    channel: createChannel({ resolver: list.resolver, transport: reconnects.transport, clock, random, logger: log }),
    settle() {
      settled = reconnects.answered;
      if (settled !== undefined) list.set([settled]);
    },
    search() {
      const others = settled === undefined ? [] : addresses.filter((address) => address !== settled);
      settled = undefined;
      list.set(others.length > 0 ? others : addresses);
      return others.length > 0;
    },
    onReconnect: reconnects.subscribe,
  };
}

/** A resolver whose endpoint list can be changed. It resolves one service only. */
function createList(addresses: readonly string[]) {
  let listed = addresses;
  let listener: ResolverListener | undefined;
  const publish = (departed: readonly string[]) =>
    listener?.onResolution({
      endpoints: listed.map((address) =>
        fixedEndpoint(address, { minPingIntervalMs: PEER_PING_INTERVAL_MS, frames: true }),
      ),
      departed,
    });
  const resolver: Resolver = {
    source: `RONDO_REGISTRY, ${addresses.join(', ')}`,
    resolve(_service, newListener) {
      listener = newListener;
      publish([]);
      return { close() {} };
    },
    close() {},
  };
  return {
    resolver,
    set(next: readonly string[]) {
      const departed = listed.filter((address) => !next.includes(address));
      const changed = departed.length > 0 || next.length > listed.length;
      listed = next;
      if (changed) publish(departed);
    },
  };
}

/** Creates transports that record which of them answered last, and that report a connection made after a break. */
function createReconnects(connectTo: TransportFactory) {
  const listeners = new Set<() => void>();
  let answered: string | undefined;
  /** Whether a connection broke, or couldn't be made, since the last one was made. */
  let broken = false;
  const transport: TransportFactory = (address, known) => {
    const inner = connectTo(address, known);
    let ready = false;
    inner.subscribe((state) => {
      if (state === 'silence') return;
      if (state === 'ready' && broken) for (const listener of [...listeners]) listener();
      broken = state !== 'ready' && (broken || ready || state === 'transient_failure');
      ready = state === 'ready';
    });
    return wrapTransport(inner, {
      async call(wire) {
        const reply = await inner.call(wire);
        answered = address;
        return reply;
      },
    });
  };
  return {
    transport,
    get answered() {
      return answered;
    },
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
