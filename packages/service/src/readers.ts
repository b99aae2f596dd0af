/** What a reader gets at once. */
export interface Batch<T> {
  readonly items: T[];
  /** How many had no room since the last batch. */
  readonly leftOut: number;
}

/** What a reader of {@link Readers} wants. */
interface ReadOptions<T> {
  /** The first batch, if it isn't what comes. */
  readonly first?: T[];
  /** How many items wait for a reader that is slow. */
  readonly most: number;
  readonly signal: AbortSignal;
}

/** Readers of something that goes on, each at its own pace. */
export class Readers<T> {
  readonly #readers = new Set<(item: T) => void>();

  add(item: T): void {
    for (const read of this.#readers) read(item);
  }

  /** Yields what comes and isn't undefined by `take`, until the signal aborts. */
  async *follow<R>(
    { first, most, signal }: ReadOptions<R>,
    take: (item: T) => R | undefined,
  ): AsyncGenerator<Batch<R>> {
    let items: R[] = [];
    let leftOut = 0;
    let wake: () => void = () => undefined;
    const read = (item: T) => {
      const taken = take(item);
      if (taken === undefined) return;
      if (items.length < most) items.push(taken);
      else leftOut += 1;
      wake();
    };
    const onAbort = () => wake();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#readers.add(read);
    try {
      if (first !== undefined) yield { items: first, leftOut: 0 };
      while (!signal.aborted) {
        const batch = { items, leftOut };
        if (items.length > 0) {
          [items, leftOut] = [[], 0];
          yield batch;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      this.#readers.delete(read);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
