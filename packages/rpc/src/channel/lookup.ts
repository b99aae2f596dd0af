import type { Clock } from '@rondo/base';
import { clientErrors } from '../errors/client.js';
import type { RpcError } from '../status/rpc-error.js';

interface LookupOptions {
  readonly clock: Clock;
  readonly service: string;
  /** Where the endpoints come from, for messages. */
  readonly source: string;
  /** What to do if the source can't be reached, for messages. */
  readonly remedy?: string | undefined;
}

/** Enough for a restart whose new process has been loaded before the old one leaves. */
const SUCCESSOR_MS = 2_000;

/** The state of a service's lookup. Calls wait for the first result; if no instance is known, they learn why. */
export class Lookup {
  /** Resolves when the first lookup has ended, well or badly; undefined if it has. */
  known: Promise<void> | undefined;
  readonly #options: LookupOptions;
  #resolved = false;
  #closed = false;
  #failure: string | undefined;
  #wake: () => void = () => undefined;
  /** Whether an instance served at the last change. */
  #served = false;
  /** When the last serving instance said that it leaves; undefined while one serves. */
  #leftAt: number | undefined;

  constructor(options: LookupOptions) {
    this.#options = options;
    this.#wait();
  }

  get closed(): boolean {
    return this.#closed;
  }

  onResolution(): void {
    this.#resolved = true;
    this.#end();
  }

  onFailure(reason: string): void {
    this.#failure = reason;
    this.#end();
  }

  /** A new lookup has begun. `some`: instances are still known from the last one. */
  onPending(some: boolean): void {
    this.#failure = undefined;
    if (!some) this.#resolved = false;
    if (!this.#resolved && !this.#closed) this.#wait();
  }

  /** Notes whether an instance serves now, and whether one has said that it leaves. */
  onServing(serves: boolean, leaves: boolean): void {
    if (serves) this.#leftAt = undefined;
    else if (this.#served && leaves) this.#leftAt = this.#options.clock.now();
    this.#served = serves;
  }

  /** How long a call may wait for the successor of the last instance, if that has said that it leaves. Milliseconds. */
  get successorMs(): number {
    if (this.#leftAt === undefined || this.#closed) return 0;
    return Math.max(0, this.#leftAt + SUCCESSOR_MS - this.#options.clock.now());
  }

  /** Ends the waiting: there will be no result. */
  close(): void {
    this.#closed = true;
    this.#end();
  }

  /** The error of a call while no instance is known: `UNAVAILABLE`. */
  noInstanceError(): RpcError {
    if (this.#closed) return clientErrors.CHANNEL_CLOSED();
    const { service, source, remedy = 'check that it is there' } = this.#options;
    return this.#resolved
      ? clientErrors.NONE_REGISTERED({ service, source })
      : clientErrors.NONE_KNOWN({ service, source, failure: `${this.#failure}`, remedy });
  }

  #wait(): void {
    this.known ??= new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #end(): void {
    this.known = undefined;
    this.#wake();
  }
}
