import { LimitReached } from '../domain/errors.js';
import type { TotalLimits } from '../domain/limits.js';

/** Counts the open watches of each client, which are at most half of what the others leave free. */
export class ClientShares {
  readonly #subject: keyof TotalLimits;
  readonly #limit: number;
  readonly #open = new Map<string, number>();
  #all = 0;

  constructor(subject: keyof TotalLimits, limit: number) {
    this.#subject = subject;
    this.#limit = limit;
  }

  /**
   * The events of `make`, which is called at the first pull. The stream counts as open from then to its end.
   *
   * @throws LimitReached at the first pull, if the client has as many open as it may.
   */
  async *open<T>(client: string, make: () => AsyncIterable<T>): AsyncGenerator<T> {
    const count = this.#open.get(client) ?? 0;
    const share = Math.ceil((this.#limit - this.#all + count) / 2);
    if (count >= share) throw new LimitReached(this.#subject, count, client);
    this.#add(client, 1);
    try {
      yield* make();
    } finally {
      this.#add(client, -1);
    }
  }

  #add(client: string, more: 1 | -1): void {
    this.#all += more;
    const left = (this.#open.get(client) ?? 0) + more;
    if (left > 0) this.#open.set(client, left);
    else this.#open.delete(client);
  }
}
