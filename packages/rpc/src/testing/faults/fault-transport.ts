import { backoffMs, type Timer } from '@rondo/base';
import type { CallContext } from '../../call/call-context.js';
import { Status } from '../../status/code.js';
import { TransportError } from '../../status/wire-errors.js';
import type { ConnectivityState, Transport, TransportEvent, WireHandler } from '../../transport/transport.js';
import { Connection } from './connection.js';
import { type Peer, roundTripMs, type SharedNetwork } from './network-state.js';

/**
 * The transport from one process to `address`. It connects at the first `connect`, and again after growing waits when
 * it breaks.
 */
export class FaultTransport implements Transport {
  readonly #shared: SharedNetwork;
  readonly #client: Peer;
  readonly #address: string;
  readonly #listeners = new Set<(event: TransportEvent) => void>();
  #connection: Connection | undefined;
  #state: ConnectivityState = 'idle';
  #lastError: string | undefined;
  #failures = 0;
  /** Cancels what the current state waits for. */
  #stopWaiting: () => void = () => undefined;

  constructor(shared: SharedNetwork, client: Peer, address: string) {
    this.#shared = shared;
    this.#client = client;
    this.#address = address;
  }

  get state(): ConnectivityState {
    return this.#state;
  }

  get lastError(): string | undefined {
    return this.#state === 'transient_failure' ? this.#lastError : undefined;
  }

  get silent(): boolean {
    return this.#connection?.silent ?? false;
  }

  subscribe(listener: (event: TransportEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  connect(signal?: AbortSignal): Promise<void> {
    if (!this.#client.alive) return forEver();
    if (this.#state === 'idle') this.#dial();
    if (this.#state === 'ready') return Promise.resolve();
    if (this.#state !== 'connecting') return Promise.reject(this.#failure());
    return new Promise((resolve, reject) => {
      const settle = () => {
        unsubscribe();
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        settle();
        reject(signal?.reason);
      };
      const unsubscribe = this.subscribe((state) => {
        settle();
        if (state === 'ready') resolve();
        else reject(this.#failure());
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  readonly call: WireHandler = (wire) => {
    if (!this.#client.alive) return forEver();
    return this.#connection?.call(wire) ?? Promise.reject(this.#failure());
  };

  abandon(contexts: ReadonlySet<CallContext>): void {
    this.#connection?.abandon(contexts);
  }

  close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#move('shutdown');
    connection?.close();
  }

  #dial(): void {
    this.#move('connecting');
    // A listener may have closed the transport.
    if (this.#state !== 'connecting') return;
    const { timing, conditions, peerAt } = this.#shared;
    const timeoutMs = timing.connectTimeoutMs;
    const timeout = this.#client.clock.setTimer(timeoutMs, () => this.#fail(`no connection within ${timeoutMs} ms`));
    let handshake: Timer | undefined;
    const tryNow = () => {
      const server = peerAt(this.#address);
      if (handshake !== undefined || (server && roundTripMs(this.#shared, this.#client, server) >= timeoutMs)) return;
      // One round trip.
      if (timing.latencyMs === 0) this.#shakeHands();
      else handshake = this.#client.clock.setTimer(2 * timing.latencyMs, () => this.#shakeHands());
    };
    const unsubscribe = conditions.subscribe(tryNow);
    this.#stopWaiting = () => {
      unsubscribe();
      timeout.cancel();
      handshake?.cancel();
    };
    tryNow();
  }

  #shakeHands(): void {
    const server = this.#shared.peerAt(this.#address);
    if (server === undefined || !this.#shared.listens(this.#address)) {
      this.#fail('nothing listens there');
      return;
    }
    this.#failures = 0;
    const ends = { client: this.#client, server, address: this.#address };
    const connection = new Connection(this.#shared, ends, {
      onLost: (reason) => this.#onLost(connection, reason),
      onSilence: () => {
        if (this.#connection === connection) this.#announce('silence');
      },
    });
    this.#connection = connection;
    this.#move('ready');
  }

  #onLost(connection: Connection, reason: string): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#lastError = reason;
    this.#dial();
  }

  #fail(reason: string): void {
    this.#lastError = reason;
    this.#move('transient_failure');
    if (this.#state !== 'transient_failure') return;
    const { timing, random } = this.#shared;
    const { minBackoffMs: baseMs, maxBackoffMs: maxMs } = timing;
    const waitMs = backoffMs(this.#failures, { baseMs, maxMs, random, jitter: 'grpc' });
    this.#failures += 1;
    const timer = this.#client.clock.setTimer(waitMs, () => this.#dial());
    this.#stopWaiting = () => timer.cancel();
  }

  #move(state: ConnectivityState): void {
    this.#stopWaiting();
    this.#stopWaiting = () => undefined;
    if (this.#state === 'shutdown' || this.#state === state) return;
    this.#state = state;
    this.#announce(state);
  }

  #announce(event: TransportEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  #failure(): TransportError {
    const reason = this.#state === 'shutdown' ? 'the connection was closed' : (this.#lastError ?? 'no connection');
    return new TransportError(Status.UNAVAILABLE, reason, { reach: 'unsent' });
  }
}

/** The result of every operation of a killed process: it never settles. */
function forEver(): Promise<never> {
  return new Promise(() => undefined);
}
