/** Tells of changes: those that wait for the next one, and those that listen to all. */
export class Changes {
  readonly #listeners = new Set<() => void>();
  #next: Promise<void> | undefined;
  #settle: (() => void) | undefined;

  /** Resolves at the next change. */
  get next(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      this.#settle = resolve;
    });
    return this.#next;
  }

  /** Calls `listener` at each change, until the function returned is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something has changed. */
  tell(): void {
    this.#settle?.();
    this.#settle = undefined;
    this.#next = undefined;
    for (const listener of [...this.#listeners]) listener();
  }
}
