/** A set of ids that is sorted when somebody pages through it, not whenever it changes. */
export class SortedIds {
  readonly #ids = new Set<string>();
  #sorted: readonly string[] | undefined;

  get size(): number {
    return this.#ids.size;
  }

  add(id: string): void {
    this.#ids.add(id);
    this.#sorted = undefined;
  }

  delete(id: string): void {
    this.#ids.delete(id);
    this.#sorted = undefined;
  }

  /** Those greater than `id`, in order. */
  *after(id: string): Iterable<string> {
    this.#sorted ??= [...this.#ids].sort((one, other) => (one < other ? -1 : 1));
    for (let index = firstGreater(this.#sorted, id); index < this.#sorted.length; index += 1) {
      const next = this.#sorted[index];
      if (next !== undefined) yield next;
    }
  }
}

function firstGreater(sorted: readonly string[], id: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const candidate = sorted[middle];
    if (candidate !== undefined && candidate > id) high = middle;
    else low = middle + 1;
  }
  return low;
}
