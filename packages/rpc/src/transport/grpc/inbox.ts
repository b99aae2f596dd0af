interface Waiter {
  resolve(result: IteratorResult<Uint8Array, undefined>): void;
  reject(error: unknown): void;
}

/**
 * How many bytes of a stream are read ahead of its reader, if the next message is as long as the last. When a stream
 * fails, grpc-js drops the messages that it still holds, so received messages must not wait there for a slow reader.
 */
const READ_AHEAD_BYTES = 64 * 1024;

/** The messages received on a stream. It requests them ahead of the reader, up to {@link READ_AHEAD_BYTES}. */
export class Inbox {
  readonly #ask: () => void;
  readonly #messages: Uint8Array[] = [];
  readonly #waiters: Waiter[] = [];
  #bufferedBytes = 0;
  #asked = false;
  #lastBytes = 0;
  #ended = false;
  #error: unknown;

  /** @param ask requests one more message from the stream. */
  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** Starts to read ahead. Call it once the stream has been started. */
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

  /** Ends the inbox. With an error, the reader gets that after the messages already received. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const waiter of this.#waiters.splice(0)) this.#settle(waiter);
  }

  /** The first message received, if any. */
  first(): Uint8Array | undefined {
    return this.#messages[0];
  }

  /** The messages for their reader. `leave` runs if the reader stops before the end. */
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

  /** Drops the messages that the reader, which has left, didn't take. */
  #drop(): void {
    this.#messages.length = 0;
    this.#bufferedBytes = 0;
  }

  #settle({ resolve, reject }: Waiter): void {
    if (this.#error === undefined) resolve({ done: true, value: undefined });
    else reject(this.#error);
  }
}
