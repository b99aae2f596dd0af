/** Something that expires. Its place is the queue's. */
export interface Expiring {
  /** By the clock in use. Change it through {@link ExpiryQueue.reschedule} only. */
  expiresAtMs: number;
  /** Where it stands in the queue; -1 where it doesn't. */
  place: number;
}

/**
 * What expires, the earliest first: a binary heap in which each item knows its place, so that a renewal costs
 * O(log n) and allocates nothing.
 */
export class ExpiryQueue<T extends Expiring> {
  readonly #heap: T[] = [];

  /** The one that expires first. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  add(item: T): void {
    this.#place(item, this.#heap.length);
    this.#rise(item);
  }

  /** Lets `item`, which is queued, expire at another time. */
  reschedule(item: T, expiresAtMs: number): void {
    item.expiresAtMs = expiresAtMs;
    this.#rise(item);
    this.#sink(item);
  }

  /** Takes `item` out. No effect where it isn't queued. */
  delete(item: T): void {
    const { place } = item;
    if (this.#heap[place] !== item) return;
    const last = this.#heap.pop();
    item.place = -1;
    if (last === undefined || last === item) return;
    this.#place(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  /**
   * How many of those that expire by `untilMs` pass `test`; it stops counting at `enough`. Costs what they are, not what
   * is queued behind them.
   */
  countUntil(untilMs: number, test: (item: T) => boolean, enough: number): number {
    let count = 0;
    const places = [0];
    for (let place = places.pop(); place !== undefined && count < enough; place = places.pop()) {
      const item = this.#heap[place];
      if (item === undefined || item.expiresAtMs > untilMs) continue;
      if (test(item)) count += 1;
      places.push(2 * place + 1, 2 * place + 2);
    }
    return count;
  }

  #rise(item: T): void {
    while (item.place > 0) {
      const parent = this.#heap[(item.place - 1) >> 1];
      if (parent === undefined || parent.expiresAtMs <= item.expiresAtMs) return;
      this.#swap(item, parent);
    }
  }

  #sink(item: T): void {
    for (;;) {
      const left = this.#heap[2 * item.place + 1];
      const right = this.#heap[2 * item.place + 2];
      const child = right !== undefined && left !== undefined && right.expiresAtMs < left.expiresAtMs ? right : left;
      if (child === undefined || item.expiresAtMs <= child.expiresAtMs) return;
      this.#swap(item, child);
    }
  }

  #swap(one: T, other: T): void {
    const { place } = one;
    this.#place(one, other.place);
    this.#place(other, place);
  }

  #place(item: T, place: number): void {
    this.#heap[place] = item;
    item.place = place;
  }
}
