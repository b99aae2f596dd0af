import type { Clock, Timer } from '../clock/index.js';
import { SettableWallClock } from './settable-wall-clock.js';
import { type QueuedTimer, TimerQueue } from './timer-queue.js';

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #queue = new TimerQueue();
  /** The wall clock beside it, which goes on with it. Setting that one doesn't move this one. */
  readonly wall = new SettableWallClock({ now: () => new Date(this.#now) });

  /** @param startMs where it stands at first, in milliseconds since the Unix epoch. */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer: QueuedTimer = {
      at: this.#now + Math.max(delayMs, 0),
      order: this.#order++,
      callback,
      place: -1,
    };
    this.#queue.add(timer);
    return { cancel: () => this.#queue.delete(timer) };
  }

  /** How many timers wait: none, where nothing leaks. */
  get timers(): number {
    return this.#queue.size;
  }

  /**
   * Moves on by `ms`, running what falls due, in order. After each callback the promises that it settled run their
   * course, so that what they schedule within `ms` falls due as well. At both ends the event loop has a turn as well.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await turn();
    for (let due = this.#next(until); due !== undefined; due = this.#next(until)) {
      this.#queue.delete(due);
      this.#now = due.at;
      due.callback();
      await settle();
      if (this.#next(until) === undefined) await turn();
    }
    this.#now = until;
  }

  #next(until: number): QueuedTimer | undefined {
    const { first } = this.#queue;
    return first !== undefined && first.at <= until ? first : undefined;
  }
}

/** Lets promises that are settled run their course: Node runs a tick's queue once that of promises is empty. */
function settle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** Lets whatever is ready run, be it that an event loop's turn has to come first. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
