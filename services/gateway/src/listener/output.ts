import type { Writable } from 'node:stream';
import type { Share } from '@rondo/base';
import type { Timer } from '@rondo/rpc/clock';
import type { Setup } from './setup.js';

/** A large chunk is written in pieces of this size, so that a slow reader's progress is visible. */
const PIECE_BYTES = 64 * 1024;
/** The bytes that Node takes without waiting for the client. They don't count against its share. */
const FREE_BYTES = 16 * 1024;

interface OutputOptions {
  /** Whose share of the memory for answers it takes until the client has read it. */
  readonly clientOf: () => string;
  /** Runs if the client leaves too much unread, or reads nothing for too long. */
  readonly stalled: () => void;
}

/** The body of an answer, on its way to a client that may read slowly or not at all. */
export class Output {
  readonly #stream: Writable;
  readonly #options: OutputOptions;
  readonly #setup: Setup;
  /** What is written next waits for this. */
  #busy: Promise<void> | undefined;
  #deadline: Timer | undefined;
  #wake: (() => void) | undefined;
  #closed = false;
  #share: Share | undefined;
  /** What waits for the client. */
  #heldBytes = 0;

  constructor(stream: Writable, options: OutputOptions, setup: Setup) {
    this.#stream = stream;
    this.#options = options;
    this.#setup = setup;
  }

  /** A promise: the client is behind. Undefined: go on. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#closed) return undefined;
    if (this.#busy === undefined && chunk.length <= PIECE_BYTES) {
      return this.#stream.write(chunk) ? undefined : this.#occupy(this.#drained(), chunk.length);
    }
    return this.#occupy(
      this.#expireAfter(() => this.#pieces(chunk)),
      chunk.length,
    );
  }

  /** Ends the body, once everything before has been written. Text has a byte in each character. */
  end(chunk?: Uint8Array | string): void {
    if (this.#closed) return;
    if (typeof chunk === 'string') {
      this.#end(chunk);
      return;
    }
    if (this.#busy === undefined && (chunk === undefined || chunk.length <= PIECE_BYTES)) {
      this.#end(chunk);
      return;
    }
    void this.#occupy(
      this.#expireAfter(async () => {
        if (chunk !== undefined) await this.#pieces(chunk);
        this.#end();
      }),
      chunk?.length ?? 0,
    );
  }

  /** The stream has closed: nothing is written any more, and no writer waits. */
  close(): void {
    this.#closed = true;
    this.#hold(0);
    this.#progress();
  }

  async #expireAfter(next: () => Promise<void>): Promise<void> {
    await this.#busy;
    await next();
  }

  /**
   * What is written next waits for `work`. Its bytes count until then, beyond those that Node takes at once; if there is no room for
   * them, the client is cut off.
   */
  #occupy(work: Promise<void>, bytes: number): Promise<void> {
    this.#hold(bytes);
    const busy = work.then(() => {
      this.#hold(-bytes);
      if (this.#busy === busy) this.#busy = undefined;
    });
    this.#busy = busy;
    return busy;
  }

  #hold(more: number): void {
    this.#heldBytes += more;
    const counted = this.#closed ? 0 : Math.max(0, this.#heldBytes - FREE_BYTES);
    if (counted === 0 && this.#share === undefined) return;
    const { clientOf, stalled } = this.#options;
    this.#share ??= this.#setup.unread.of(clientOf(), stalled);
    if (!this.#share.hold(counted)) stalled();
  }

  async #pieces(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length && !this.#closed; at += PIECE_BYTES) {
      if (this.#stream.write(chunk.subarray(at, at + PIECE_BYTES))) continue;
      await this.#drained();
      // The client has read a part.
      this.#hold(0);
    }
  }

  #end(chunk?: Uint8Array | string): void {
    if (this.#closed) return;
    this.#watch();
    this.#hold(chunk?.length ?? 0);
    // It was too much.
    if (this.#closed) return;
    if (chunk === undefined) this.#stream.end();
    else if (typeof chunk === 'string') this.#stream.end(chunk, 'latin1');
    else this.#stream.end(chunk);
  }

  #drained(): Promise<void> {
    this.#watch();
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#stream.once('drain', () => this.#progress());
    });
  }

  #watch(): void {
    this.#deadline = this.#setup.expireAfter(this.#setup.limits.stallMs, this.#options.stalled);
  }

  #progress(): void {
    this.#deadline?.cancel();
    this.#wake?.();
    this.#wake = undefined;
  }
}
