interface Waiter {
  resolve(result: IteratorResult<Uint8Array, undefined>): void;
  reject(error: unknown): void;
}

/** The messages received on a stream: each is asked for only when its reader wants it. */
export class Inbox {
  readonly #ask: () => void;
  readonly #messages: Uint8Array[] = [];
  readonly #waiters: Waiter[] = [];
  #ended = false;
  #error: unknown;

  /** @param ask tells the stream that one more message may come. */
  constructor(ask: () => void) {
    this.#ask = ask;
  }

  push(message: Uint8Array): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#messages.push(message);
    else waiter.resolve({ done: false, value: message });
  }

  /** No more come; with an error, that is what its reader gets after the messages already here. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const waiter of this.#waiters.splice(0)) this.#settle(waiter);
  }

  /** The message received first, if any. */
  first(): Uint8Array | undefined {
    return this.#messages[0];
  }

  /** The messages as their reader sees them. `leave` is called where the reader stops before the end. */
  read(leave: () => void): AsyncIterable<Uint8Array> {
    const next = () => this.#next();
    const close = () => {
      if (!this.#ended) leave();
      this.end();
    };
    return {
      [Symbol.asyncIterator]: () => ({
        next,
        return: async () => {
          close();
          return { done: true, value: undefined };
        },
      }),
    };
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    return new Promise((resolve, reject) => {
      const message = this.#messages.shift();
      if (message !== undefined) resolve({ done: false, value: message });
      else if (this.#ended) this.#settle({ resolve, reject });
      else {
        this.#waiters.push({ resolve, reject });
        this.#ask();
      }
    });
  }

  #settle({ resolve, reject }: Waiter): void {
    if (this.#error === undefined) resolve({ done: true, value: undefined });
    else reject(this.#error);
  }
}
