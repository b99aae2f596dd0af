import { type Clock, type Random, systemClock } from '@rondo/base';
import type { Reply } from '../../call/call.js';
import type { CallContext } from '../../call/call-context.js';
import { transportErrors } from '../../errors/transport.js';
import type { ConnectivityState, Transport, TransportEvent, WireCall, WireHandler } from '../transport.js';
import { GrpcConnection } from './connection.js';
import type { GrpcTransportOptions } from './options.js';

/** The most replaced connections that still carry calls. When there are so many, resets wait. */
const MAX_DRAINING = 8;

/** The wait after a failed attempt to replace a connection. Milliseconds. */
const PAUSE_MS = 1_000;

/** What a test can replace. */
interface TransportDependencies {
  readonly clock?: Clock;
  readonly random?: Random;
}

/** A connection to `address`, by grpc-js. It connects at the first `connect`, and again when it breaks. */
export function grpcTransport(address: string, options: GrpcTransportOptions & TransportDependencies = {}): Transport {
  return new GrpcTransport(address, options);
}

/**
 * Carries calls over one HTTP/2 connection. It moves to a new connection before the old one has had as many resets as a
 * server accepts. The old one closes once no caller waits for a call on it, which ends its cancelled streams as well.
 */
class GrpcTransport implements Transport {
  readonly #address: string;
  readonly #options: GrpcTransportOptions & TransportDependencies;
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: TransportEvent) => void>();
  #current: GrpcConnection;
  #unfollow: () => void;
  #next: GrpcConnection | undefined;
  #nextNotBefore = Number.NEGATIVE_INFINITY;
  #draining = 0;
  /** The connection for compressed requests, if others aren't compressed. */
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

  get silent(): boolean {
    return this.#current.silent;
  }

  subscribe(listener: (event: TransportEvent) => void): () => void {
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

  /** grpc-js sets compression per connection, and announces it on every call; not every server accepts that. */
  async #callCompressed(wire: WireCall): Promise<Reply<Uint8Array>> {
    if (this.state === 'shutdown') throw transportErrors.CLOSED({ reach: 'unsent' });
    this.#compressed ??= new GrpcTransport(this.#address, { ...this.#options, compression: 'gzip' });
    if (this.#compressed.state !== 'ready') await this.#compressed.connect(wire.context.signal);
    return this.#compressed.call(wire);
  }

  abandon(contexts: ReadonlySet<CallContext>): void {
    this.#current.abandon(contexts);
  }

  resetBackoff(): void {
    this.#current.resetBackoff();
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
    return this.#current.subscribe((event) => {
      for (const listener of [...this.#listeners]) listener(event);
    });
  }

  /** Opens a new connection, and moves to it once it is ready. */
  #replace(): void {
    if (this.#next !== undefined || this.#draining >= MAX_DRAINING || this.#clock.now() < this.#nextNotBefore) return;
    if (this.#current.state !== 'ready') return;
    const next = this.#open();
    this.#next = next;
    const settled = () => {
      this.#next = undefined;
      // If the current one has broken meanwhile, it reconnects by itself.
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
