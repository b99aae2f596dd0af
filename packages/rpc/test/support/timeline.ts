import { TimerQueue } from '@rondo/base/testing';
import type { Clock } from '../../src/exports/clock.js';

/** A discrete-event simulation: runs callbacks in the order of their times, synchronously, without waiting. */
export class Timeline {
  readonly #queue = new TimerQueue();
  #now: number;
  #order = 0;

  /** @param startMs the time at which the timeline starts, in milliseconds. */
  constructor(startMs = 0) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  /** Runs `callback` at the time `at`, in milliseconds. Callbacks for the same time run in the order in which they were added. */
  at(at: number, callback: () => void): void {
    this.#queue.add({ at, order: this.#order++, callback, place: -1 });
  }

  /** Runs all callbacks up to `until` and moves the time there. */
  runTo(until: number): void {
    for (let due = this.#queue.first; due !== undefined && due.at <= until; due = this.#queue.first) this.#run(due);
    this.#now = until;
  }

  /** Runs callbacks until none is left. */
  runOut(): void {
    for (let due = this.#queue.first; due !== undefined; due = this.#queue.first) this.#run(due);
  }

  /** A clock that shows the timeline's time. Its timers never fire. */
  get clock(): Clock {
    return { now: () => this.#now, setTimer: () => ({ cancel() {} }) };
  }

  #run(due: NonNullable<TimerQueue['first']>): void {
    this.#queue.delete(due);
    this.#now = due.at;
    due.callback();
  }
}
