import type { Readable } from 'node:stream';
import type { Share } from '@rondo/base';
import { Gathered } from '@rondo/rpc/internal';
import { Status } from '@rondo/rpc/status';
import { gatewayErrors } from '../errors.js';
import { BodyError, type RequestBody } from './exchange.js';
import type { Setup } from './setup.js';

interface BodyOptions {
  readonly clientOf: () => string;
  /** Whether the request has no body. */
  readonly empty: boolean;
  /** Its `content-length`. */
  readonly declared: string | undefined;
  /** Runs before the first byte is read: the client may be waiting for `100 Continue`. */
  readonly begin: (() => void) | undefined;
  /** Runs when a part of it was read. */
  readonly wasRead?: () => void;
  /** Runs once the answer has ended and the client still sends more than is read and forgotten. */
  readonly cut: () => void;
}

/** The bytes of each request that don't count against its client's share, so that short requests are always served. */
const FREE_BYTES = 4 * 1024;

type State = 'unread' | 'reading' | 'discarding' | 'cut' | 'ended';

/** The body of a request, of HTTP/1.1 or HTTP/2. */
export class Body implements RequestBody {
  readonly #source: Readable;
  readonly #options: BodyOptions;
  readonly #setup: Setup;
  #state: State = 'unread';
  #answered = false;
  #receivedBytes = 0;
  #released = false;
  #share: Share | undefined;
  #reading: Reading | undefined;

  constructor(source: Readable, options: BodyOptions, setup: Setup) {
    // Text is a copy. A chunk of bytes would keep the whole buffer that was read from the socket.
    this.#source = source.setEncoding('latin1');
    this.#options = options;
    this.#setup = setup;
    if (!options.empty) return;
    this.#state = 'ended';
    source.resume();
  }

  get client(): string {
    return this.#options.clientOf();
  }

  /**
   * Whether the rest of the body may be so long, or so late, that the connection will be closed. An answer that is sent now must
   * announce that: otherwise a client that has sent its whole request would reuse the connection, and lose its next request on it.
   */
  get abandoned(): boolean {
    const { declared } = this.#options;
    if (this.#state === 'ended') return false;
    if (this.#state === 'cut' || declared === undefined) return true;
    return Number(declared) - this.#receivedBytes > this.#setup.limits.discardBytes;
  }

  async *chunks({ steady = () => false }: { readonly steady?: () => boolean } = {}): AsyncGenerator<Buffer, void> {
    if (!this.#begin()) return;
    const reading = new Reading(this.#source, this.#setup);
    this.#reading = reading;
    try {
      for (;;) {
        const chunk: string | null = this.#source.read();
        if (chunk !== null) {
          this.#receivedBytes += chunk.length;
          reading.received(chunk.length);
          this.#options.wasRead?.();
          yield Buffer.from(chunk, 'latin1');
        } else if (reading.error !== undefined) throw reading.error;
        else if (reading.ended) return;
        else await reading.more(steady());
      }
    } finally {
      reading.stop();
      this.#finish(reading);
    }
  }

  async whole(maxBytes: number): Promise<Buffer> {
    if (Number(this.#options.declared ?? 0) > maxBytes) throw this.#tooLarge(maxBytes);
    const gathered = new Gathered();
    for await (const chunk of this.chunks({ steady: () => true })) {
      if (this.#receivedBytes > maxBytes) throw this.#tooLarge(maxBytes);
      gathered.add(chunk);
      this.hold(gathered.heldBytes);
    }
    return gathered.take();
  }

  hold(bytes: number): void {
    const counted = Math.max(0, bytes - FREE_BYTES);
    if (this.#released || (counted === 0 && this.#share === undefined)) return;
    this.#share ??= this.#setup.unfinished.of(this.client, () =>
      this.#reading?.fail(gatewayErrors.TOO_MUCH_UNFINISHED),
    );
    if (this.#state !== 'reading') this.#share.settle();
    if (!this.#share.hold(counted)) throw gatewayErrors.TOO_MUCH_UNFINISHED();
  }

  /** The exchange is over: nothing of the body is kept. */
  release(): void {
    this.hold(0);
    this.#released = true;
  }

  discard(): void {
    if (this.#state !== 'unread' && this.#state !== 'reading') return;
    this.#state = 'discarding';
    const { expireAfter, limits } = this.#setup;
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
    const read = (chunk: string) => {
      left -= chunk.length;
      if (left < 0) cut();
      else this.#options.wasRead?.();
    };
    const deadline = expireAfter(limits.discardMs, cut);
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
    if (this.#state !== 'unread') throw new BodyError(Status.CANCELLED, 'the body has been read already');
    this.#state = 'reading';
    this.#options.begin?.();
    return true;
  }

  #finish({ ended, error }: Reading): void {
    if (ended) this.#state = 'ended';
    else if (error?.code === Status.DEADLINE_EXCEEDED) this.#cut();
    if (ended) this.#share?.settle();
  }

  #tooLarge(maxBytes: number): BodyError {
    this.#cut();
    return gatewayErrors.BODY_TOO_LARGE({ maxBytes });
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
  readonly #setup: Setup;
  ended = false;
  error: BodyError | undefined;
  /** The time that is left for the client to send the rest. Each byte adds to it. */
  #allowedMs: number;
  #wake: (() => void) | undefined;

  constructor(source: Readable, setup: Setup) {
    this.#source = source;
    this.#setup = setup;
    this.#allowedMs = setup.limits.bodyGraceMs;
    this.ended = source.readableEnded;
    if (source.destroyed) this.#breakOff();
    if (this.ended) return;
    // An error is always followed by `close`.
    source
      .on('readable', this.#change)
      .on('end', this.#onEnd)
      .on('aborted', this.#breakOff)
      .on('close', this.#breakOff);
  }

  received(bytes: number): void {
    const { bodyBytesPerSecond, stallMs } = this.#setup.limits;
    // A client that sent much at once may not rest for an hour.
    this.#allowedMs = Math.min(this.#allowedMs + (bytes / bodyBytesPerSecond) * 1_000, stallMs);
  }

  /**
   * Resolves when there is something to read, and when the body has ended or failed. The client may rest, and has its time of grace
   * again when it sends more, unless the body is `steady`.
   */
  async more(steady: boolean): Promise<void> {
    const { expireAfter, clock, limits } = this.#setup;
    if (!steady) this.#allowedMs = limits.bodyGraceMs;
    const since = clock.now();
    const slow = () => this.fail(() => gatewayErrors.BODY_TOO_SLOW({ bytes: limits.bodyBytesPerSecond }));
    const deadline = steady ? expireAfter(this.#allowedMs, slow) : undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (deadline === undefined) return;
    deadline.cancel();
    this.#allowedMs -= clock.now() - since;
  }

  stop(): void {
    if (this.ended) return;
    this.#source.off('readable', this.#change).off('end', this.#onEnd);
    this.#source.off('aborted', this.#breakOff).off('close', this.#breakOff);
  }

  fail(make: () => BodyError): void {
    if (!this.ended) this.error ??= make();
    this.#change();
  }

  readonly #change = (): void => this.#wake?.();

  readonly #onEnd = (): void => {
    if (this.error === undefined) this.ended = true;
    this.#change();
  };

  readonly #breakOff = (): void => this.fail(gatewayErrors.BODY_BROKEN_OFF);
}
