import * as grpc from '@grpc/grpc-js';

interface Waiter {
  resolve(result: IteratorResult<Uint8Array, undefined>): void;
  reject(error: unknown): void;
}

/**
 * How many bytes of a stream are read ahead of its reader. When a stream fails, grpc-js drops the messages that it still holds,
 * so received messages must not wait there for a slow reader.
 */
const READ_AHEAD_BYTES = 64 * 1024;

/** The messages received on a stream, read ahead of the reader up to {@link READ_AHEAD_BYTES}. */
export class Inbox {
  readonly #messages: Uint8Array[] = [];
  readonly #waiters: Waiter[] = [];
  #bufferedBytes = 0;
  #heldBytes = 0;
  /** Takes the message that has arrived, and found no room. */
  #take: (() => void) | undefined;
  #ended = false;
  #error: unknown;

  /** Holds each message, and with it the stream, until there is room: grpc-js's own queue takes 16 messages of any length. */
  readonly interceptor: grpc.Interceptor = (options, nextCall) =>
    new grpc.InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) => {
        next(metadata, {
          onReceiveMessage: (message: Uint8Array, take) => {
            this.#heldBytes = message.length;
            this.#take = () => take(message);
            this.#takeIfRoom();
          },
        });
      },
    });

  push(message: Uint8Array): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) waiter.resolve({ done: false, value: message });
    else {
      this.#messages.push(message);
      this.#bufferedBytes += message.length;
    }
  }

  /** Ends the inbox. With an error, the reader gets that after the messages already received. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const waiter of this.#waiters.splice(0)) this.#settle(waiter);
  }

  /** The messages for their reader. `leave` runs if the reader stops before the end. */
  read(leave: () => void): AsyncIterable<Uint8Array> {
    const next = () => this.#next();
    const close = () => {
      if (!this.#ended) leave();
      this.end();
      this.#messages.length = 0;
      this.#bufferedBytes = 0;
      // The call still has to end.
      this.#takeIfRoom();
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
      this.#takeIfRoom();
    });
  }

  #takeIfRoom(): void {
    const fits = this.#bufferedBytes + this.#heldBytes <= READ_AHEAD_BYTES;
    if (!fits && this.#messages.length > 0 && !this.#ended) return;
    const take = this.#take;
    this.#take = undefined;
    take?.();
  }

  #settle({ resolve, reject }: Waiter): void {
    if (this.#error === undefined) resolve({ done: true, value: undefined });
    else reject(this.#error);
  }
}
