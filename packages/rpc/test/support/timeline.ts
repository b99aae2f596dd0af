import type { Clock } from '../../src/clock/index.js';
import { TimerQueue } from '../../src/testing/timer-queue.js';

/** What is to happen when, in order, as fast as it can be worked off: nothing is awaited in between. */
export class Timeline {
  readonly #queue = new TimerQueue();
  #now: number;
  #order = 0;

  /** @param startMs where it begins, in milliseconds. */
  constructor(startMs = 0) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  /** Runs `callback` once time has come to `at`; of two for the same time, the one that was told first. */
  at(at: number, callback: () => void): void {
    this.#queue.add({ at, order: this.#order++, callback, place: -1 });
  }

  /** Goes on to `until`. */
  runTo(until: number): void {
    for (let due = this.#queue.first; due !== undefined && due.at <= until; due = this.#queue.first) this.#run(due);
    this.#now = until;
  }

  /** Goes on until nothing is left to happen. */
  runOut(): void {
    for (let due = this.#queue.first; due !== undefined; due = this.#queue.first) this.#run(due);
  }

  /** Its time for what is to know it, but sets timers that nobody waits for. */
  get clock(): Clock {
    return { now: () => this.#now, setTimer: () => ({ cancel() {} }) };
  }

  #run(due: NonNullable<TimerQueue['first']>): void {
    this.#queue.delete(due);
    this.#now = due.at;
    due.callback();
  }
}
