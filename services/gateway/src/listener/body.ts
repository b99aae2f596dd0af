import type { Readable } from 'node:stream';
import type { Deadlines } from './deadlines.js';
import { BodyError, type RequestBody } from './exchange.js';
import type { ListenerLimits } from './limits.js';

export interface BodyOptions {
  readonly deadlines: Deadlines;
  readonly limits: ListenerLimits;
  /** Whether the request has no body. */
  readonly empty: boolean;
  /** Its `content-length`. */
  readonly declared: string | undefined;
  /** Runs before the first byte is read: the client may be waiting for `100 Continue`. */
  readonly begin?: (() => void) | undefined;
  /** Runs once the answer has ended and the client still sends more than is read and forgotten. */
  readonly cut: () => void;
}

type State = 'unread' | 'reading' | 'discarding' | 'cut' | 'ended';

/** The body of a request, of HTTP/1.1 or HTTP/2. */
export class Body implements RequestBody {
  readonly #source: Readable;
  readonly #options: BodyOptions;
  #state: State = 'unread';
  #answered = false;
  #receivedBytes = 0;

  constructor(source: Readable, options: BodyOptions) {
    this.#source = source;
    this.#options = options;
    if (!options.empty) return;
    this.#state = 'ended';
    source.resume();
  }

  /**
   * Whether the rest of the body may be so long, or so late, that the connection isn't kept for it. An answer that goes out
   * now has to say so: a client that has sent all of its request takes a connection that isn't announced to close for
   * free, and loses its next request on it.
   */
  get abandoned(): boolean {
    const { declared, limits } = this.#options;
    if (this.#state === 'ended') return false;
    if (this.#state === 'cut' || declared === undefined) return true;
    return Number(declared) - this.#receivedBytes > limits.discardBytes;
  }

  async *chunks({ steady = false }: { readonly steady?: boolean } = {}): AsyncGenerator<Buffer, void> {
    if (!this.#begin()) return;
    const reading = new Reading(this.#source, this.#options);
    try {
      for (;;) {
        const chunk: Buffer | null = this.#source.read();
        if (chunk !== null) {
          this.#received(chunk, reading);
          yield chunk;
        } else if (reading.error !== undefined) throw reading.error;
        else if (reading.ended) return;
        else await reading.more(steady);
      }
    } finally {
      reading.stop();
      this.#finish(reading);
    }
  }

  async whole(maxBytes: number): Promise<Buffer> {
    if (Number(this.#options.declared ?? 0) > maxBytes) return this.#tooLarge(maxBytes);
    if (!this.#begin()) return Buffer.alloc(0);
    return this.#collect(maxBytes);
  }

  discard(): void {
    if (this.#state !== 'unread' && this.#state !== 'reading') return;
    this.#state = 'discarding';
    const { deadlines, limits } = this.#options;
    let left = limits.discardBytes;
    const stop = () => {
      deadline.cancel();
      this.#source.off('data', read).off('end', end).off('close', end);
    };
    const cut = () => {
      stop();
      this.#cut();
    };
    const end = () => {
      stop();
      this.#state = 'ended';
    };
    const read = (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) cut();
    };
    const deadline = deadlines.set(limits.discardMs, cut);
    this.#source.on('data', read).on('end', end).on('close', end).resume();
    if (this.#source.destroyed) end();
  }

  /** The answer has ended. A short rest of the body is read and forgotten. */
  answered(): void {
    this.#answered = true;
    if (this.#state === 'cut') this.#options.cut();
    else this.discard();
  }

  /** False if there is nothing to read. */
  #begin(): boolean {
    if (this.#state === 'ended') return false;
    if (this.#state !== 'unread') throw new BodyError('broken_off', 'the body has been read already');
    this.#state = 'reading';
    this.#options.begin?.();
    return true;
  }

  #received({ length }: Buffer, reading: Reading): void {
    this.#receivedBytes += length;
    reading.received(length);
  }

  async #collect(maxBytes: number): Promise<Buffer> {
    const reading = new Reading(this.#source, this.#options);
    const parts: Buffer[] = [];
    try {
      for (;;) {
        const chunk: Buffer | null = this.#source.read();
        if (chunk !== null) {
          this.#received(chunk, reading);
          if (this.#receivedBytes > maxBytes) return await this.#tooLarge(maxBytes);
          parts.push(chunk);
        } else if (reading.error !== undefined) throw reading.error;
        else if (reading.ended) return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
        else await reading.more(true);
      }
    } finally {
      reading.stop();
      this.#finish(reading);
    }
  }

  #finish({ ended, error }: Reading): void {
    if (ended) this.#state = 'ended';
    else if (error?.reason === 'too_slow') this.#cut();
  }

  #tooLarge(maxBytes: number): Promise<never> {
    this.#cut();
    return Promise.reject(new BodyError('too_large', `the body has more than ${maxBytes} bytes: send less`));
  }

  #cut(): void {
    if (this.#state === 'ended') return;
    this.#state = 'cut';
    this.#source.pause();
    if (this.#answered) this.#options.cut();
  }
}

/** A body while it is being read, and the rate at which it arrives. */
class Reading {
  readonly #source: Readable;
  readonly #options: BodyOptions;
  ended = false;
  error: BodyError | undefined;
  #wake: (() => void) | undefined;
  /** How long the client may still be waited for. Each byte adds to it. */
  #allowedMs: number;

  constructor(source: Readable, options: BodyOptions) {
    this.#source = source;
    this.#options = options;
    this.#allowedMs = options.limits.bodyGraceMs;
    this.ended = source.readableEnded;
    if (source.destroyed && !this.ended) this.#breakOff();
    source.on('readable', this.#onReadable).on('end', this.#onEnd);
    source.on('aborted', this.#breakOff).on('error', this.#breakOff).on('close', this.#breakOff);
  }

  received(bytes: number): void {
    this.#allowedMs += (bytes / this.#options.limits.bodyBytesPerSecond) * 1_000;
  }

  /** Resolves when there is something to read, or the body has ended or failed. `steady`: the client may not rest. */
  async more(steady: boolean): Promise<void> {
    const deadline = steady ? this.#options.deadlines.set(this.#allowedMs, this.#tooSlow) : undefined;
    const since = this.#options.deadlines.now();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    deadline?.cancel();
    this.#allowedMs -= this.#options.deadlines.now() - since;
  }

  stop(): void {
    this.#source.off('readable', this.#onReadable).off('end', this.#onEnd);
    this.#source.off('aborted', this.#breakOff).off('error', this.#breakOff).off('close', this.#breakOff);
  }

  readonly #onReadable = (): void => this.#wake?.();

  readonly #onEnd = (): void => {
    if (this.error === undefined) this.ended = true;
    this.#wake?.();
  };

  readonly #breakOff = (): void => this.#fail('broken_off', 'the client broke the body off');

  readonly #tooSlow = (): void => {
    const { bodyBytesPerSecond } = this.#options.limits;
    this.#fail('too_slow', `the body arrives too slowly: send at least ${bodyBytesPerSecond} bytes a second`);
  };

  #fail(reason: BodyError['reason'], message: string): void {
    if (!this.ended) this.error ??= new BodyError(reason, message);
    this.#wake?.();
  }
}
