import { type Clock, systemClock } from '../clock/index.js';

/** How a budget is set. */
interface RetryBudgetOptions {
  /** What each call adds: in steady state at most this share of calls is tried again. */
  readonly ratio?: number;
  /** What there is at first, and what can be saved however few the calls: so many tries a burst of failures may cost. */
  readonly reserve?: number;
  readonly clock?: Clock;
}

/** How long what a call adds can be saved. Milliseconds. */
const WINDOW_MS = 10_000;
const SLOTS = 10;
const SLOT_MS = WINDOW_MS / SLOTS;

/**
 * Bounds the tries beyond the first, so that they can't make a storm out of an outage: attempts stay below
 * `1 + ratio` times the calls. What isn't spent is saved for as long as the calls of the last 10 s account for it: the
 * more calls there are, the more a connection that breaks takes with it. After Finagle's RetryBudget.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #reserve: number;
  readonly #clock: Clock;
  /** The calls of each second of the window. */
  readonly #slots = new Array<number>(SLOTS).fill(0);
  #slot: number;
  #calls = 0;
  #balance: number;

  constructor({ ratio = 0.2, reserve = 100, clock = systemClock }: RetryBudgetOptions = {}) {
    this.#ratio = ratio;
    this.#reserve = reserve;
    this.#clock = clock;
    this.#balance = reserve;
    this.#slot = this.#now();
  }

  /** Counts a call. */
  deposit(): void {
    this.#moveOn();
    this.#count(this.#slot, 1);
    this.#balance += this.#ratio;
  }

  /** Whether one more try is allowed; if so, it is counted. */
  withdraw(): boolean {
    this.#moveOn();
    if (this.#balance < 1) return false;
    this.#balance -= 1;
    return true;
  }

  #now(): number {
    return Math.floor(this.#clock.now() / SLOT_MS);
  }

  /** Forgets what is older than the window. */
  #moveOn(): void {
    const now = this.#now();
    if (now === this.#slot) return;
    for (let slot = Math.max(this.#slot, now - SLOTS) + 1; slot <= now; slot += 1) {
      this.#count(slot, -(this.#slots[slot % SLOTS] ?? 0));
    }
    this.#slot = now;
    this.#balance = Math.min(this.#balance, this.#reserve + this.#ratio * this.#calls);
  }

  #count(slot: number, calls: number): void {
    const index = slot % SLOTS;
    this.#slots[index] = (this.#slots[index] ?? 0) + calls;
    this.#calls += calls;
  }
}
