import type { Logger } from '@rondo/rpc/call';
import { type Channel, createChannel } from '@rondo/rpc/client';
import type { Clock, Random } from '@rondo/rpc/clock';
import { fixedEndpoint, PEER_PING_INTERVAL_MS, type Resolver, type ResolverListener } from '@rondo/rpc/resolver';
import { grpcTransport, type TransportFactory, wrapTransport } from '@rondo/rpc/transport';

/** What a registration needs to know of the way to its registry. */
export interface RegistryLink {
  /** The registry has answered as it should: it is stayed with. */
  settle(): void;
  /** It has failed: another is to be asked. Gives whether there is one that hasn't just failed, too. */
  search(): boolean;
  /** Tells each connection that comes after a break, until the returned function is called. */
  onReconnect(listener: () => void): () => void;
}

/** What a link is made from. */
export interface RegistryLinkOptions {
  /** The registries' addresses, as `host:port`: all over one store. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Makes the connections; gRPC over HTTP/2 by default. */
  readonly transport?: TransportFactory;
}

/** A way to one of several registries, with the channel that goes there. */
export interface ConnectedRegistryLink extends RegistryLink {
  readonly channel: Channel;
}

/**
 * Connects to one of several registries, and stays there until it fails: thousands of processes needn't hold a
 * connection to each registry, and a lease isn't carried about among registries that by mistake don't know of each other.
 * One that fails is left for whichever of the others answers first; where those fail as well, all are asked in turn.
 */
export function createRegistryLink(options: RegistryLinkOptions): ConnectedRegistryLink {
  const { addresses, clock, random, log } = options;
  const reconnects = createReconnects(
    options.transport ?? ((address, known) => grpcTransport(address, { ...known, clock, random })),
  );
  const list = createList(addresses);
  /** The one that is stayed with. */
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

/** A resolver with a list that can be changed. It is asked for one service alone. */
function createList(addresses: readonly string[]) {
  let listed = addresses;
  let listener: ResolverListener | undefined;
  const tell = (departed: readonly string[]) =>
    listener?.onResolution({
      endpoints: listed.map((address) => fixedEndpoint(address, { minPingIntervalMs: PEER_PING_INTERVAL_MS })),
      departed,
    });
  const resolver: Resolver = {
    source: `RONDO_REGISTRY, ${addresses.join(', ')}`,
    resolve(_service, told) {
      listener = told;
      tell([]);
      return { close() {} };
    },
    close() {},
  };
  return {
    resolver,
    set(next: readonly string[]) {
      const departed = listed.filter((address) => !next.includes(address));
      const news = departed.length > 0 || next.length > listed.length;
      listed = next;
      if (news) tell(departed);
    },
  };
}

/** Makes transports that note which of them answered last, and tell when one is connected after a break. */
function createReconnects(connectTo: TransportFactory) {
  const listeners = new Set<() => void>();
  let answered: string | undefined;
  /** Whether a connection broke, or couldn't be made, since one was made last. */
  let broken = false;
  const transport: TransportFactory = (address, known) => {
    const inner = connectTo(address, known);
    let ready = false;
    inner.subscribe((state) => {
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
