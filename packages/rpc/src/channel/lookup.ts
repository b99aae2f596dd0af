import { clientErrors } from '../errors/client.js';
import type { RpcError } from '../status/rpc-error.js';

interface LookupOptions {
  readonly service: string;
  /** Where the endpoints come from, for messages. */
  readonly source: string;
  /** What to do if the source can't be reached, for messages. */
  readonly remedy?: string | undefined;
}

/** The state of a service's lookup. Calls wait for the first result; if no instance is known, they learn why. */
export class Lookup {
  readonly #options: LookupOptions;
  #resolved = false;
  #closed = false;
  #failure: string | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: LookupOptions) {
    this.#options = options;
  }

  /** Resolves when the first lookup has ended; undefined if it has. */
  known(): Promise<void> | undefined {
    if (this.#resolved || this.#closed || this.#failure !== undefined) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  get closed(): boolean {
    return this.#closed;
  }

  onResolution(): void {
    this.#resolved = true;
    this.#wake();
  }

  onFailure(reason: string): void {
    this.#failure = reason;
    this.#wake();
  }

  /** A new lookup has begun. `some`: instances are still known from the last one. */
  onPending(some: boolean): void {
    this.#failure = undefined;
    if (!some) this.#resolved = false;
  }

  /** Ends the waiting: there will be no result. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** The error of a call while no instance is known: `UNAVAILABLE`. */
  noInstanceError(): RpcError {
    if (this.#closed) return clientErrors.CHANNEL_CLOSED();
    const { service, source, remedy = 'check that it is there' } = this.#options;
    return this.#resolved
      ? clientErrors.NONE_REGISTERED({ service, source })
      : clientErrors.NONE_KNOWN({ service, source, failure: `${this.#failure}`, remedy });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
