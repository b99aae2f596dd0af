/** How a budget is set. */
export interface RetryBudgetOptions {
  /** What each call adds: in steady state at most this share of calls is tried again. */
  readonly ratio?: number;
  /** The most that can be saved, and what there is at first: so many tries that a burst of failures may cost. */
  readonly capacity?: number;
}

/**
 * Bounds the tries beyond the first, so that they can't make a storm out of an outage: attempts stay below
 * `1 + ratio` times the calls. After Finagle's RetryBudget.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #capacity: number;
  #balance: number;

  constructor({ ratio = 0.2, capacity = 100 }: RetryBudgetOptions = {}) {
    this.#ratio = ratio;
    this.#capacity = capacity;
    this.#balance = capacity;
  }

  /** Counts a call. */
  deposit(): void {
    this.#balance = Math.min(this.#capacity, this.#balance + this.#ratio);
  }

  /** Whether one more try is allowed; if so, it is counted. */
  withdraw(): boolean {
    if (this.#balance < 1) return false;
    this.#balance -= 1;
    return true;
  }
}
