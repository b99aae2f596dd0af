import type { Reply } from '../../call/index.js';
import { type Clock, type Random, systemClock } from '../../clock/index.js';
import { Status } from '../../status/index.js';
import {
  type ConnectivityState,
  type Transport,
  TransportError,
  type TransportFactory,
  type WireCall,
  type WireHandler,
} from '../transport.js';
import { CLOSED, GrpcConnection } from './connection.js';
import { channelCredentials } from './credentials.js';
import { checkOptions, type GrpcTransportOptions } from './options.js';

/** What all connections that a factory makes have in common. */
interface GrpcTransportsOptions extends GrpcTransportOptions {
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * A factory of connections by grpc-js, all of them with the same options. What an endpoint says of itself comes before them.
 *
 * @throws TypeError where one of them is out of its bounds: at once, and not when the first connection is made.
 */
export function grpcTransports(options: GrpcTransportsOptions): TransportFactory {
  checkOptions(options);
  channelCredentials(options.tls);
  return (address, known) => {
    const minPingIntervalMs = known?.minPingIntervalMs ?? options.minPingIntervalMs;
    return grpcTransport(address, { ...options, ...known, minPingIntervalMs });
  };
}

/** Connections that were replaced and still carry calls: with so many, resets wait instead. */
const MAX_DRAINING = 8;

/** After an attempt to replace a connection has failed. Milliseconds. */
const PAUSE_MS = 1_000;

/** What a transport takes from its surroundings. */
interface TransportDependencies {
  readonly clock?: Clock;
  readonly random?: Random;
}

/** A connection to `address`, by grpc-js. It connects when it is first told to, and again when it breaks. */
export function grpcTransport(address: string, options: GrpcTransportOptions & TransportDependencies = {}): Transport {
  return new GrpcTransport(address, options);
}

/**
 * Calls go over one HTTP/2 connection, and over a new one before it has had as many resets as a server bears: of a
 * connection that nobody waits for any more, all streams end with it, however many were cancelled.
 */
class GrpcTransport implements Transport {
  readonly #address: string;
  readonly #options: GrpcTransportOptions & TransportDependencies;
  readonly #clock: Clock;
  readonly #listeners = new Set<(state: ConnectivityState) => void>();
  #current: GrpcConnection;
  #unfollow: () => void;
  #next: GrpcConnection | undefined;
  #nextNotBefore = Number.NEGATIVE_INFINITY;
  #draining = 0;
  /** For requests that are compressed where others aren't. */
  #compressed: GrpcTransport | undefined;

  constructor(address: string, options: GrpcTransportOptions & TransportDependencies) {
    this.#address = address;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#current = this.#open();
    this.#unfollow = this.#follow();
  }

  get state(): ConnectivityState {
    return this.#current.state;
  }

  get lastError(): string | undefined {
    return this.#current.lastError;
  }

  subscribe(listener: (state: ConnectivityState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  connect(signal?: AbortSignal): Promise<void> {
    return this.#current.connect(signal);
  }

  readonly call: WireHandler = (wire) =>
    wire.compression === 'gzip' && this.#options.compression !== 'gzip'
      ? this.#callCompressed(wire)
      : this.#current.call(wire);

  /** grpc-js compresses by the connection, and says so of every call on it: not every server lets that pass. */
  async #callCompressed(wire: WireCall): Promise<Reply<Uint8Array>> {
    if (this.state === 'shutdown') throw new TransportError(Status.UNAVAILABLE, CLOSED, { reach: 'unsent' });
    this.#compressed ??= new GrpcTransport(this.#address, { ...this.#options, compression: 'gzip' });
    if (this.#compressed.state !== 'ready') await this.#compressed.connect(wire.limit.signal);
    return this.#compressed.call(wire);
  }

  hurry(): void {
    this.#current.hurry();
  }

  close(): void {
    this.#compressed?.close();
    this.#next?.close();
    this.#current.close();
  }

  #open(): GrpcConnection {
    const onScarceResets = () => {
      if (connection === this.#current) this.#replace();
    };
    const connection = new GrpcConnection(this.#address, { ...this.#options, onScarceResets });
    return connection;
  }

  #follow(): () => void {
    return this.#current.subscribe((state) => {
      for (const listener of [...this.#listeners]) listener(state);
    });
  }

  /** Connects anew, and goes over to that connection as soon as it stands. */
  #replace(): void {
    if (this.#next !== undefined || this.#draining >= MAX_DRAINING || this.#clock.now() < this.#nextNotBefore) return;
    if (this.#current.state !== 'ready') return;
    const next = this.#open();
    this.#next = next;
    const settled = () => {
      this.#next = undefined;
      // Another that has broken meanwhile makes itself anew.
      if (next.state === 'ready' && this.#current.state === 'ready') return this.#switchTo(next);
      this.#nextNotBefore = this.#clock.now() + PAUSE_MS;
      next.close();
    };
    next.connect().then(settled, settled);
  }

  #switchTo(next: GrpcConnection): void {
    this.#unfollow();
    this.#draining += 1;
    this.#current.drain(() => {
      this.#draining -= 1;
    });
    this.#current = next;
    this.#unfollow = this.#follow();
  }
}
