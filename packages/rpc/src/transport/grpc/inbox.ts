interface Waiter {
  resolve(result: IteratorResult<Uint8Array, undefined>): void;
  reject(error: unknown): void;
}

/**
 * How far a stream is read ahead of its reader, in bytes, if its next message is as long as the last. When a stream fails,
 * grpc-js drops the messages that it still holds, so what has arrived must not wait there for a slow reader.
 */
const READ_AHEAD_BYTES = 64 * 1024;

/** The messages received on a stream. They are asked for ahead of the reader, up to {@link READ_AHEAD_BYTES}. */
export class Inbox {
  readonly #ask: () => void;
  readonly #messages: Uint8Array[] = [];
  readonly #waiters: Waiter[] = [];
  #bufferedBytes = 0;
  #asked = false;
  #lastBytes = 0;
  #ended = false;
  #error: unknown;

  /** @param ask tells the stream that one more message may come. */
  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** Begins to read ahead: the stream can be asked from now on. */
  open(): void {
    this.#askForMore();
  }

  push(message: Uint8Array): void {
    this.#asked = false;
    this.#lastBytes = message.length;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#messages.push(message);
      this.#bufferedBytes += message.length;
    } else waiter.resolve({ done: false, value: message });
    this.#askForMore();
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

  /** The messages as their reader sees them. `leave` is called when the reader stops before the end. */
  read(leave: () => void): AsyncIterable<Uint8Array> {
    const next = () => this.#next();
    const close = () => {
      if (!this.#ended) leave();
      this.end();
      this.#drop();
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
      if (message !== undefined) {
        this.#bufferedBytes -= message.length;
        resolve({ done: false, value: message });
      } else if (this.#ended) this.#settle({ resolve, reject });
      else this.#waiters.push({ resolve, reject });
      this.#askForMore();
    });
  }

  #askForMore(): void {
    const fits = this.#bufferedBytes + this.#lastBytes < READ_AHEAD_BYTES;
    const wanted = this.#waiters.length > 0 || fits;
    if (this.#ended || this.#asked || !wanted) return;
    this.#asked = true;
    this.#ask();
  }

  /** Its reader has left: what it didn't take is of no more use. */
  #drop(): void {
    this.#messages.length = 0;
    this.#bufferedBytes = 0;
  }

  #settle({ resolve, reject }: Waiter): void {
    if (this.#error === undefined) resolve({ done: true, value: undefined });
    else reject(this.#error);
  }
}
