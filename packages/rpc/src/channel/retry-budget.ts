import { type Clock, systemClock } from '@rondo/base';

/** Options of {@link RetryBudget}. */
interface RetryBudgetOptions {
  /** What each call adds to the balance: in steady state, the share of calls that can be retried. Default: 0.2. */
  readonly ratio?: number;
  /** The initial balance, and the least that can be saved: how many retries a burst of failures may cost. Default: 100. */
  readonly reserve?: number;
  readonly clock?: Clock;
}

/** How long the balance from a call is kept. Milliseconds. */
const WINDOW_MS = 10_000;
const SLOTS = 10;
const SLOT_MS = WINDOW_MS / SLOTS;

/**
 * Limits retries, so that they can't turn an outage into a retry storm: attempts stay below `1 + ratio` times the calls.
 * The balance is capped by the reserve plus what the calls of the last 10 s added, because a lost connection fails more
 * calls when more are in flight. Source: Finagle's RetryBudget.
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
    this.#advance();
    this.#count(this.#slot, 1);
    this.#balance += this.#ratio;
  }

  /** Takes one retry from the balance. Returns whether there was one. */
  withdraw(): boolean {
    this.#advance();
    if (this.#balance < 1) return false;
    this.#balance -= 1;
    return true;
  }

  #now(): number {
    return Math.floor(this.#clock.now() / SLOT_MS);
  }

  /** Drops the slots that are older than the window. */
  #advance(): void {
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
