import { RpcError, Status } from '../status/index.js';

/** What is looked up, and where. */
interface LookupOptions {
  readonly service: string;
  /** Where its endpoints come from, for messages. */
  readonly source: string;
}

/** How far it is known who serves: calls wait for the first word, and are told why there is nobody. */
export class Lookup {
  readonly #options: LookupOptions;
  #resolved = false;
  #closed = false;
  #failure: string | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: LookupOptions) {
    this.#options = options;
  }

  /** Resolves once something is known; undefined where it is. */
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

  /** It is looked up anew; `some` says whether somebody is known still. */
  onPending(some: boolean): void {
    this.#failure = undefined;
    if (!some) this.#resolved = false;
  }

  /** Nothing will be known any more: those that wait needn't. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** What a call gets where nobody is known: `UNAVAILABLE`. */
  noInstanceError(): RpcError {
    if (this.#closed) return channelClosed();
    const { service, source } = this.#options;
    const message = this.#resolved
      ? `no instance of ${service} is registered with ${source}; start one, or check the service's name`
      : `no instance of ${service} is known, as ${source} can't be reached (${this.#failure}); start it, or set RONDO_REGISTRY to where it is`;
    return new RpcError(Status.UNAVAILABLE, message);
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** What a call gets that comes, or would be tried again, too late. */
export function channelClosed(): RpcError {
  return new RpcError(Status.UNAVAILABLE, 'the channel is closed');
}
