import type { Clock, Timer, WallClock } from '../clock.js';
import { systemWallClock } from '../system.js';

/** A clock that a test advances by hand. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #queue = new TimerQueue();
  /** A wall clock that advances with this clock. Setting the wall clock doesn't change this one. */
  readonly wall = new SettableWallClock({ now: () => new Date(this.#now) });

  /** @param startMs the initial time, in milliseconds since the Unix epoch. */
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

  /** The number of pending timers; 0 if nothing leaks. */
  get timers(): number {
    return this.#queue.size;
  }

  /**
   * Advances by `ms` and runs the due timers, in order. After each callback, settled promises run, so that timers which
   * they set within `ms` run as well. The event loop also turns at both ends.
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

/** Lets settled promises run. Node runs the queue of `nextTick` once that of promises is empty. */
function settle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** Lets everything that is ready run, including what needs a turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A wall clock that a test sets. From then on it advances as `base` does; before, it shows the same time as `base`. */
export class SettableWallClock implements WallClock {
  readonly #base: WallClock;
  #aheadMs = 0;

  /** @param base the machine's wall clock by default. */
  constructor(base: WallClock = systemWallClock) {
    this.#base = base;
  }

  now(): Date {
    return new Date(this.#base.now().getTime() + this.#aheadMs);
  }

  /** Sets the time, as an operator, NTP or the end of a machine's sleep does. */
  set(time: Date): void {
    this.#aheadMs = time.getTime() - this.#base.now().getTime();
  }
}

/** A pending timer. Only the queue changes its place. */
interface QueuedTimer {
  readonly at: number;
  /** Breaks ties: of two timers due at the same time, the one set first runs first. */
  readonly order: number;
  readonly callback: () => void;
  /** The index in the heap; -1 if it isn't queued. */
  place: number;
}

/** Pending timers, earliest first: a binary heap in which each timer knows its index, so that removing one is cheap. */
export class TimerQueue {
  readonly #heap: QueuedTimer[] = [];

  get size(): number {
    return this.#heap.length;
  }

  get first(): QueuedTimer | undefined {
    return this.#heap[0];
  }

  add(timer: QueuedTimer): void {
    this.#place(timer, this.#heap.length);
    this.#rise(timer);
  }

  /** Removes `timer`. No effect if it isn't queued. */
  delete(timer: QueuedTimer): void {
    const { place } = timer;
    if (this.#heap[place] !== timer) return;
    const last = this.#heap.pop();
    timer.place = -1;
    if (last === undefined || last === timer) return;
    this.#place(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(timer: QueuedTimer): void {
    while (timer.place > 0) {
      const parent = this.#heap[(timer.place - 1) >> 1];
      if (parent === undefined || !isSooner(timer, parent)) return;
      this.#swap(timer, parent);
    }
  }

  #sink(timer: QueuedTimer): void {
    for (;;) {
      const left = this.#heap[2 * timer.place + 1];
      const right = this.#heap[2 * timer.place + 2];
      const child = left !== undefined && right !== undefined && isSooner(right, left) ? right : left;
      if (child === undefined || !isSooner(child, timer)) return;
      this.#swap(timer, child);
    }
  }

  #swap(one: QueuedTimer, other: QueuedTimer): void {
    const { place } = one;
    this.#place(one, other.place);
    this.#place(other, place);
  }

  #place(timer: QueuedTimer, place: number): void {
    this.#heap[place] = timer;
    timer.place = place;
  }
}

function isSooner(one: QueuedTimer, other: QueuedTimer): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
