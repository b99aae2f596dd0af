import { LimitReached, StoreClosed } from '../../domain/errors.js';
import type { WatchQuery } from '../../domain/store.js';
import type { WatchEvent } from '../../domain/watch-event.js';
import { Watch, type WatchSource } from './watch.js';

/** The watches that are open, no more than `limit` at a time. */
export class Watches {
  readonly #source: WatchSource;
  readonly #limit: number;
  readonly #open = new Set<Watch>();
  #closed = false;

  constructor(source: WatchSource, limit: number) {
    this.#source = source;
    this.#limit = limit;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** A watch that opens when it is first pulled: one that nobody pulls holds nothing. */
  follow(query: WatchQuery): AsyncIterable<WatchEvent> {
    return {
      [Symbol.asyncIterator]: () => {
        let watch: Watch | undefined;
        return {
          next: async () => {
            if (watch === undefined && query.signal.aborted) return { done: true, value: undefined };
            watch ??= this.#start(query);
            return watch.next();
          },
          return: async () => (await watch?.return()) ?? { done: true, value: undefined },
        };
      },
    };
  }

  /** Ends all, and every later one. */
  close(): void {
    this.#closed = true;
    for (const watch of this.#open) watch.close();
  }

  #start(query: WatchQuery): Watch {
    if (this.#closed) throw new StoreClosed();
    if (this.#open.size >= this.#limit) throw new LimitReached('watches', this.#limit);
    const watch = new Watch(this.#source, query, () => this.#open.delete(watch));
    this.#open.add(watch);
    return watch;
  }
}
