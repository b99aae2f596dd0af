import type { Clock, Timer } from '@rondo/base';

interface Pending {
  /** The due time, by this clock. */
  readonly at: number;
  readonly callback: () => void;
  timer: Timer | undefined;
  overdue: boolean;
}

/** An infinite delay: the timer never fires. */
const FOR_EVER = Number.POSITIVE_INFINITY;

/** The clock of one process in a test. It follows the test's clock, and can be wrong, frozen or stopped. */
export class NodeClock implements Clock {
  readonly #base: Clock;
  readonly #pending = new Set<Pending>();
  #aheadMs: number;
  #frozen = false;
  #stopped = false;

  /** @param aheadMs how far it is ahead of `base` at first; negative if behind. */
  constructor(base: Clock, aheadMs = 0) {
    this.#base = base;
    this.#aheadMs = aheadMs;
  }

  now(): number {
    return this.#base.now() + this.#aheadMs;
  }

  setTimer(delayMs: number, callback: () => void, _options?: { keepAlive?: boolean }): Timer {
    if (this.#stopped) return { cancel() {} };
    const pending: Pending = { at: this.now() + Math.max(delayMs, 0), callback, timer: undefined, overdue: false };
    this.#pending.add(pending);
    this.#arm(pending, delayMs);
    return { cancel: () => this.#drop(pending) };
  }

  /** Moves ahead, as after a machine was suspended: timers due in between fire now. It never goes back. */
  jump(aheadMs: number): void {
    if (!(aheadMs >= 0)) throw new RangeError('aheadMs must be at least 0: the clock of a process never goes back');
    this.#aheadMs += aheadMs;
    for (const pending of [...this.#pending]) {
      pending.timer?.cancel();
      if (!pending.overdue) this.#arm(pending, pending.at - this.now());
    }
  }

  /** Holds back all timers until {@link NodeClock.thaw}; time goes on. */
  freeze(): void {
    this.#frozen = true;
  }

  /** Fires the timers that became due meanwhile, in order. */
  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    const overdue = [...this.#pending].filter((pending) => pending.overdue).sort((one, other) => one.at - other.at);
    for (const pending of overdue) this.#arm(pending, 0);
  }

  /** Cancels all timers for good, as the end of the process does. */
  stop(): void {
    this.#stopped = true;
    for (const pending of [...this.#pending]) this.#drop(pending);
  }

  #arm(pending: Pending, delayMs: number): void {
    if (delayMs === FOR_EVER) return;
    pending.timer = this.#base.setTimer(delayMs, () => this.#fire(pending));
  }

  #fire(pending: Pending): void {
    pending.overdue = this.#frozen;
    if (pending.overdue) return;
    this.#pending.delete(pending);
    pending.callback();
  }

  #drop(pending: Pending): void {
    pending.timer?.cancel();
    this.#pending.delete(pending);
  }
}
