import { LimitReached } from '../domain/errors.js';
import type { TotalLimits } from '../domain/limits.js';

/**
 * Counts the open watches of each identity. Callers without a certificate aren't counted: only the limit for all
 * callers applies to them.
 */
export class IdentityShares {
  readonly #subject: keyof TotalLimits;
  readonly #limit: number;
  readonly #open = new Map<string, number>();

  constructor(subject: keyof TotalLimits, limit: number) {
    this.#subject = subject;
    this.#limit = limit;
  }

  /**
   * The events of `make`, which is called at the first pull. The stream counts as open from then to its end.
   *
   * @throws LimitReached at the first pull, if the processes of `identity` have as many open as they may.
   */
  async *open<T>(identity: string | undefined, make: () => AsyncIterable<T>): AsyncGenerator<T> {
    if (identity === undefined) return yield* make();
    const count = this.#open.get(identity) ?? 0;
    if (count >= this.#limit) throw new LimitReached(this.#subject, this.#limit, identity);
    this.#open.set(identity, count + 1);
    try {
      yield* make();
    } finally {
      const left = (this.#open.get(identity) ?? 1) - 1;
      if (left > 0) this.#open.set(identity, left);
      else this.#open.delete(identity);
    }
  }
}
