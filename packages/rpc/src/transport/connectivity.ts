import { transportErrors } from '../errors/transport.js';
import type { TransportError } from '../status/wire-errors.js';
import type { ConnectivityState, TransportEvent } from './transport.js';

/** The state of a connection, and what waits for it. */
export class Connectivity {
  readonly #listeners = new Set<(event: TransportEvent) => void>();
  #state: ConnectivityState = 'idle';
  #silent = false;
  /** Why the last attempt to connect has failed. */
  lastError: string | undefined;

  get state(): ConnectivityState {
    return this.#state;
  }

  get silent(): boolean {
    return this.#silent;
  }

  subscribe(listener: (event: TransportEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves once the connection is ready. Rejects if this attempt fails, or with the signal's reason.
   *
   * @param begin begins to connect.
   */
  connect(begin: () => void, signal?: AbortSignal): Promise<void> {
    if (this.#state === 'ready') return Promise.resolve();
    if (this.#state === 'transient_failure' || this.#state === 'shutdown') return Promise.reject(this.failure());
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
        if (state === 'connecting' || state === 'idle' || state === 'silence') return;
        settle();
        if (state === 'ready') resolve();
        else reject(this.failure());
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      if (this.#state === 'idle') begin();
    });
  }

  /** Enters a state, and says so. A connection that was closed stays closed. */
  move(state: ConnectivityState): void {
    if (this.#state === 'shutdown' || this.#state === state) return;
    this.#state = state;
    this.#silent = false;
    this.#announce(state);
  }

  setSilent(silent: boolean): void {
    this.#silent = silent;
    this.#announce('silence');
  }

  /** The error of a call that finds no connection. */
  failure(): TransportError {
    if (this.#state === 'shutdown') return transportErrors.CLOSED({ reach: 'unsent' });
    const whyTheLastAttemptFailed = this.lastError ?? 'no connection';
    return transportErrors.UNCONNECTED({ whyTheLastAttemptFailed }, { reach: 'unsent' });
  }

  #announce(event: TransportEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
