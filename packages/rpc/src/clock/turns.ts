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
 * Spreads work over the rounds of the event loop: so many pieces begin in a round, of the clients in rotation. One client that asks
 * for much work at once thus delays another by one round, and not by all of its work.
 */
export class Turns {
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
