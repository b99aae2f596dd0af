import type { Clock, Timer } from '../clock/index.js';

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  /** @param startMs where it stands at first, in milliseconds since the Unix epoch. */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const pending = { at: this.#now + Math.max(delayMs, 0), order: this.#order++, callback };
    this.#pending.add(pending);
    return { cancel: () => this.#pending.delete(pending) };
  }

  /** How many timers wait: none, where nothing leaks. */
  get timers(): number {
    return this.#pending.size;
  }

  /**
   * Moves on by `ms`, running what falls due, in order. After each callback the promises that it settled run their
   * course, so that what they schedule within `ms` falls due as well.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (let due = this.#next(until); due !== undefined; due = this.#next(until)) {
      this.#pending.delete(due);
      this.#now = due.at;
      due.callback();
      await settle();
    }
    this.#now = until;
  }

  #next(until: number): Pending | undefined {
    let next: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.at > until) continue;
      if (next === undefined || pending.at < next.at || (pending.at === next.at && pending.order < next.order))
        next = pending;
    }
    return next;
  }
}

/** Lets promises that are settled run their course: an immediate comes after all of them. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
