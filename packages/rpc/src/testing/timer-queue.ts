/** A timer that waits. Its place is the queue's. */
export interface QueuedTimer {
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
