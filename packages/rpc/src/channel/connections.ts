import type { Clock, Random } from '@rondo/base';
import type { Logger } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import { transportErrors } from '../errors/transport.js';
import type { Endpoint } from '../resolver/resolver.js';
import type { ServedBy } from '../tls/served-by.js';
import type { GrpcTransportOptions } from '../transport/grpc/options.js';
import { encryptionOf, peerTransports } from '../transport/peer-connection.js';
import type {
  ConnectivityState,
  Transport,
  TransportEvent,
  TransportFactory,
  WireHandler,
} from '../transport/transport.js';

/** A connection, and how many services of the channel use it. */
interface Shared {
  readonly transport: Transport;
  users: number;
}

/** The connections of a channel: one to each instance, whatever number of its services is called. */
export class Connections {
  readonly #create: TransportFactory;
  readonly #servedBy: ServedBy | undefined;
  readonly #byInstance = new Map<string, Shared>();

  /** @param servedBy tells which processes may serve a service; every process if it is missing. */
  constructor(create: TransportFactory, servedBy?: ServedBy) {
    this.#create = create;
    this.#servedBy = servedBy;
  }

  /**
   * The connection to an endpoint as one service uses it: idle until that service connects. It is made for the first service
   * that connects, and closed with the last that closes it.
   */
  to({ instanceId, address, minPingIntervalMs, frames, secure }: Endpoint, service: string): Transport {
    const servers = this.#servedBy?.(service);
    // An instance with a new address or new settings has another connection, and so has one that has to be another process.
    const key = JSON.stringify([instanceId, address, minPingIntervalMs, frames, secure, servers]);
    return new SharedTransport({
      open: () => {
        const shared = this.#byInstance.get(key) ?? {
          transport: this.#create(address, { minPingIntervalMs, frames, secure, servers }),
          users: 0,
        };
        shared.users += 1;
        this.#byInstance.set(key, shared);
        return shared.transport;
      },
      close: (transport) => {
        const shared = this.#byInstance.get(key);
        if (shared === undefined) return;
        shared.users -= 1;
        if (shared.users > 0) return;
        this.#byInstance.delete(key);
        transport.close();
      },
    });
  }
}

/** How a {@link SharedTransport} takes its connection and gives it back. */
interface Lease {
  readonly open: () => Transport;
  readonly close: (transport: Transport) => void;
}

/** A connection as one service uses it. To close it ends neither the connection nor the calls of other services. */
class SharedTransport implements Transport {
  readonly #lease: Lease;
  readonly #listeners = new Set<(event: TransportEvent) => void>();
  #transport: Transport | undefined;
  #unfollow: (() => void) | undefined;
  #closed = false;
  call: WireHandler = refuse;

  constructor(lease: Lease) {
    this.#lease = lease;
  }

  get state(): ConnectivityState {
    return this.#closed ? 'shutdown' : (this.#transport?.state ?? 'idle');
  }

  get lastError(): string | undefined {
    return this.#transport?.lastError;
  }

  get silent(): boolean {
    return !this.#closed && (this.#transport?.silent ?? false);
  }

  subscribe(listener: (event: TransportEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  connect(signal?: AbortSignal): Promise<void> {
    if (this.#closed) return Promise.reject(transportErrors.CLOSED({ reach: 'unsent' }));
    const transport = this.#transport ?? this.#open();
    return transport.connect(signal);
  }

  abandon(contexts: ReadonlySet<CallContext>): void {
    this.#transport?.abandon?.(contexts);
  }

  resetBackoff(): void {
    this.#transport?.resetBackoff?.();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.call = refuse;
    this.#unfollow?.();
    if (this.#transport !== undefined) this.#lease.close(this.#transport);
    this.#announce('shutdown');
  }

  #open(): Transport {
    const transport = this.#lease.open();
    this.#transport = transport;
    this.call = (wire) => transport.call(wire);
    this.#unfollow = transport.subscribe((event) => this.#announce(event));
    // For another user it may be connected already.
    if (transport.state !== 'idle') this.#announce(transport.state);
    return transport;
  }

  #announce(event: TransportEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

const refuse: WireHandler = () => Promise.reject(transportErrors.CLOSED({ reach: 'unsent' }));

/** How connections are made: by gRPC with these options, or by a custom transport. */
interface ConnectionsOptions extends GrpcTransportOptions {
  readonly transport?: TransportFactory;
}

/**
 * The factory of a channel's connections.
 *
 * @throws TypeError if an option is out of its bounds, or combined with a transport that would ignore it.
 */
export function connectionsOf(
  {
    transport,
    tls,
    mutualTls,
    maxReplyBytes,
    connectTimeoutMs,
    minPingIntervalMs,
    compression,
    frames,
  }: ConnectionsOptions,
  clocks: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
): TransportFactory {
  const options = { tls, maxReplyBytes, connectTimeoutMs, minPingIntervalMs, compression, frames };
  if (transport === undefined) return peerTransports({ ...options, mutualTls, ...clocks });
  const given = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length === 0) {
    return (address, known) => transport(address, { ...known, mutualTls: encryptionOf(mutualTls, known) });
  }
  const both = `transport and ${given.join(', ')}`;
  throw new TypeError(
    `${both} can't both be given: a transport makes its connections by itself; hand them to peerTransport in there, or leave transport out`,
  );
}
