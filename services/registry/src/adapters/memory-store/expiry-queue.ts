/** An item that expires. The queue manages its `place`. */
export interface Expiring {
  /** When it expires, in milliseconds of the clock in use. Change it only through {@link ExpiryQueue.reschedule}. */
  expiresAtMs: number;
  /** Its index in the heap; -1 if it isn't queued. */
  place: number;
}

/**
 * Items in the order in which they expire. A binary heap in which each item knows its index, so that a renewal costs
 * O(log n) and allocates nothing.
 */
export class ExpiryQueue<T extends Expiring> {
  readonly #heap: T[] = [];

  /** The item that expires first. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  add(item: T): void {
    this.#place(item, this.#heap.length);
    this.#rise(item);
  }

  /** Changes when the queued `item` expires. */
  reschedule(item: T, expiresAtMs: number): void {
    item.expiresAtMs = expiresAtMs;
    this.#rise(item);
    this.#sink(item);
  }

  /** Removes `item`. It has no effect if `item` isn't queued. */
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
   * Counts the items that expire by `untilMs` and pass `test`; stops at `enough`. It visits only items that expire by
   * then.
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
