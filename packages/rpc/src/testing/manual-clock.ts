import { type Clock, systemWallClock, type Timer, type WallClock } from '../clock/index.js';

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

/**
 * A wall clock that a test sets. It goes on from what it was set to, as time goes on for `base`; until it is set, it
 * shows the same.
 */
export class SettableWallClock implements WallClock {
  readonly #base: WallClock;
  #aheadMs = 0;

  /** @param base the machine's by default. */
  constructor(base: WallClock = systemWallClock) {
    this.#base = base;
  }

  now(): Date {
    return new Date(this.#base.now().getTime() + this.#aheadMs);
  }

  /** Sets it, as an operator, NTP or the end of a machine's sleep does. */
  set(time: Date): void {
    this.#aheadMs = time.getTime() - this.#base.now().getTime();
  }
}

/** A timer that waits. Its place is the queue's. */
interface QueuedTimer {
  readonly at: number;
  /** Of two that fall due together, the one that was set first comes first. */
  readonly order: number;
  readonly callback: () => void;
  /** Where it stands in the queue; -1 where it doesn't. */
  place: number;
}

/** Timers, the soonest first: a binary heap in which each knows its place, so that taking one back is cheap, too. */
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

  /** Takes `timer` out. No effect where it isn't queued. */
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
