/** A queue of the last `capacity` things, without moving any of them. */
export class History<T> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  #oldest = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Forgets all of them. */
  clear(): void {
    this.#items.length = 0;
    this.#oldest = 0;
  }

  /** Adds one; returns the oldest where it took its place. */
  push(item: T): T | undefined {
    if (this.#items.length < this.#capacity) {
      this.#items.push(item);
      return undefined;
    }
    const replaced = this.#items[this.#oldest];
    this.#items[this.#oldest] = item;
    this.#oldest = (this.#oldest + 1) % this.#capacity;
    return replaced;
  }
}
