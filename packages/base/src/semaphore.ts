import { yieldToEventLoop } from './system.js';

/** What waits, by the client that asked for it. The clients are served in rotation, each one's items in their order. */
export class Rotation<T> {
  readonly #waiting = new Map<string, Set<T>>();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  add(client: string, item: T): void {
    const items = this.#waiting.get(client);
    if (items === undefined) this.#waiting.set(client, new Set([item]));
    else items.add(item);
  }

  delete(client: string, item: T): void {
    const items = this.#waiting.get(client);
    items?.delete(item);
    if (items?.size === 0) this.#waiting.delete(client);
  }

  /** Removes the first item of the client that was served the longest ago. */
  take(): T | undefined {
    for (const [client, items] of this.#waiting) {
      this.#waiting.delete(client);
      for (const item of items) {
        items.delete(item);
        if (items.size > 0) this.#waiting.set(client, items);
        return item;
      }
    }
    return undefined;
  }
}

/**
 * A bounded number of permits, granted to clients in rotation, and to one client in the order of its requests. Requests without a
 * client are those of one. The queue of those that wait has no bound of its own.
 */
export interface Semaphore {
  /** Waits for a permit and resolves to the function that releases it. Rejects with the signal's reason when that aborts. */
  acquire(signal?: AbortSignal, client?: string): Promise<() => void>;
  /** Takes a permit without waiting. Returns the function that releases it; undefined if no permit is free. */
  tryAcquire(): (() => void) | undefined;
  /** Runs `work` with a permit. If the signal aborts while it waits for the permit, `work` isn't run. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal, client?: string): Promise<T>;
}

/** A semaphore: at most `permits` permits are held at once. A second call of a release function has no effect. */
export function createSemaphore(permits: number): Semaphore {
  const waiting = new Rotation<() => void>();
  let free = permits;

  const releaseOnce = (): (() => void) => {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const next = waiting.take();
      if (next === undefined) free += 1;
      else next();
    };
  };
  const wait = (signal: AbortSignal | undefined, client: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (end: () => void) => (): void => {
        waiting.delete(client, onPermit);
        signal?.removeEventListener('abort', onAbort);
        end();
      };
      const onPermit = settle(resolve);
      const onAbort = settle(() => reject(signal?.reason));
      waiting.add(client, onPermit);
      signal?.addEventListener('abort', onAbort);
    });
  const acquire = async (signal?: AbortSignal, client = ''): Promise<() => void> => {
    signal?.throwIfAborted();
    if (free > 0) free -= 1;
    else await wait(signal, client);
    return releaseOnce();
  };

  return {
    acquire,
    tryAcquire() {
      if (free === 0) return undefined;
      free -= 1;
      return releaseOnce();
    },
    async run(work, signal, client) {
      const release = await acquire(signal, client);
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}

/**
 * Spreads work over the rounds of the event loop: so many pieces begin in a round, of the clients in rotation. One client that asks
 * for much work at once thus delays another by one round, and not by all of its work.
 */
export class FairQueue {
  readonly #perRound: number;
  readonly #waiting = new Rotation<() => void>();
  #left: number;
  #counting = false;

  constructor(perRound: number) {
    this.#perRound = perRound;
    this.#left = perRound;
  }

  /**
   * Does `work` now if the round has room and nothing waits; else, or if it is `deferred`, in the client's turn. Returns what takes it
   * back.
   */
  run(client: string, work: () => void, { deferred = false }: { readonly deferred?: boolean } = {}): () => void {
    if (deferred || this.#left === 0 || !this.#waiting.isEmpty) {
      this.#waiting.add(client, work);
    } else {
      this.#left -= 1;
      work();
    }
    if (!this.#counting) void this.#count();
    return () => this.#waiting.delete(client, work);
  }

  async #count(): Promise<void> {
    this.#counting = true;
    do {
      await yieldToEventLoop();
      this.#left = this.#perRound;
      for (let next = this.#take(); next !== undefined; next = this.#take()) next();
    } while (this.#left < this.#perRound);
    this.#counting = false;
  }

  #take(): (() => void) | undefined {
    if (this.#left === 0) return undefined;
    const next = this.#waiting.take();
    if (next !== undefined) this.#left -= 1;
    return next;
  }
}
