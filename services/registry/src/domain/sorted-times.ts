/** Points in time in their order, so that those of a window are counted without a look at each. */
export class SortedTimes {
  readonly #times: number[] = [];

  add(atMs: number): void {
    this.#times.splice(this.#firstAfter(atMs), 0, atMs);
  }

  /** Takes one that was added out again. */
  delete(atMs: number): void {
    const index = this.#firstAfter(atMs) - 1;
    if (this.#times[index] === atMs) this.#times.splice(index, 1);
  }

  /** How many are later than `atMs`. */
  countAfter(atMs: number): number {
    return this.#times.length - this.#firstAfter(atMs);
  }

  #firstAfter(atMs: number): number {
    let low = 0;
    let high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] ?? 0) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
