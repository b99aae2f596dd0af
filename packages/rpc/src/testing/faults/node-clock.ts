import type { Clock, Timer } from '../../clock/index.js';

interface Pending {
  /** By this clock. */
  readonly at: number;
  readonly callback: () => void;
  timer: Timer | undefined;
  overdue: boolean;
}

/** How long a timer can be: what lasts for ever is never due. */
const FOR_EVER = Number.POSITIVE_INFINITY;

/** The clock of one process in a test: a view of the test's clock that can be wrong, stand still or end. */
export class NodeClock implements Clock {
  readonly #base: Clock;
  readonly #pending = new Set<Pending>();
  #aheadMs: number;
  #frozen = false;
  #stopped = false;

  /** @param aheadMs how far it is ahead of `base` from the start; behind where it is negative. */
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

  /** Jumps ahead, as when a machine was suspended: what falls due in between is due now. It never goes back. */
  jump(aheadMs: number): void {
    if (!(aheadMs >= 0)) throw new RangeError('aheadMs must be at least 0: the clock of a process never goes back');
    this.#aheadMs += aheadMs;
    for (const pending of [...this.#pending]) {
      pending.timer?.cancel();
      if (!pending.overdue) this.#arm(pending, pending.at - this.now());
    }
  }

  /** No timer fires until {@link NodeClock.thaw}; the time goes on. */
  freeze(): void {
    this.#frozen = true;
  }

  /** What fell due meanwhile fires now, in order. */
  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    const overdue = [...this.#pending].filter((pending) => pending.overdue).sort((one, other) => one.at - other.at);
    for (const pending of overdue) this.#arm(pending, 0);
  }

  /** Ends it, as its process has ended: no timer fires any more. */
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
