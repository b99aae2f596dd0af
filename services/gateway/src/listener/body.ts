import type { Readable } from 'node:stream';
import type { Share, Shares } from '@rondo/base';
import { Gathered } from '@rondo/rpc/internal';
import { Status } from '@rondo/rpc/status';
import { gatewayErrors } from '../errors.js';
import type { Deadline, Deadlines } from './deadlines.js';
import { BodyError, type RequestBody } from './exchange.js';
import type { ListenerLimits } from './limits.js';

export interface BodyOptions {
  readonly deadlines: Deadlines;
  readonly limits: ListenerLimits;
  readonly clientOf: () => string;
  /** What the requests of all clients keep. */
  readonly unfinished: Shares;
  /** Whether the request has no body. */
  readonly empty: boolean;
  /** Its `content-length`. */
  readonly declared: string | undefined;
  /** Runs before the first byte is read: the client may be waiting for `100 Continue`. */
  readonly begin?: (() => void) | undefined;
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
  #state: State = 'unread';
  #answered = false;
  #receivedBytes = 0;
  #released = false;
  #share: Share | undefined;
  #reading: Reading | undefined;

  constructor(source: Readable, options: BodyOptions) {
    // Text is a copy. A chunk of bytes would keep the whole buffer that was read from the socket.
    this.#source = source.setEncoding('latin1');
    this.#options = options;
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
    const { declared, limits } = this.#options;
    if (this.#state === 'ended') return false;
    if (this.#state === 'cut' || declared === undefined) return true;
    return Number(declared) - this.#receivedBytes > limits.discardBytes;
  }

  async *chunks({ steady = () => false }: { readonly steady?: () => boolean } = {}): AsyncGenerator<Buffer, void> {
    if (!this.#begin()) return;
    let wake: (() => void) | undefined;
    const reading = new Reading(this.#source, this.#options, () => wake?.());
    this.#reading = reading;
    try {
      for (;;) {
        const chunk: string | null = this.#source.read();
        if (chunk !== null) {
          this.#received(chunk, reading);
          yield Buffer.from(chunk, 'latin1');
        } else if (reading.error !== undefined) throw reading.error;
        else if (reading.ended) return;
        else {
          if (steady()) reading.hurry();
          else reading.relax();
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          reading.rest();
        }
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

  hold(bytes: number): void {
    const overload = this.#keep(bytes);
    if (overload !== undefined) throw overload;
  }

  /** Keeps so many bytes, or returns why it can't. */
  #keep(bytes: number): BodyError | undefined {
    const counted = Math.max(0, bytes - FREE_BYTES);
    if (this.#released || (counted === 0 && this.#share === undefined)) return undefined;
    this.#share ??= this.#options.unfinished.of(this.client, () => this.#reading?.giveUp());
    if (this.#state !== 'reading') this.#share.settle();
    return this.#share.hold(counted) ? undefined : gatewayErrors.TOO_MUCH_UNFINISHED();
  }

  /** The exchange is over: nothing of the body is kept. */
  release(): void {
    this.hold(0);
    this.#released = true;
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
    const read = (chunk: string) => {
      left -= chunk.length;
      if (left < 0) cut();
      else this.#options.wasRead?.();
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
    if (this.#state !== 'unread') throw new BodyError(Status.CANCELLED, 'the body has been read already');
    this.#state = 'reading';
    this.#options.begin?.();
    return true;
  }

  #received({ length }: string, reading: Reading): void {
    this.#receivedBytes += length;
    reading.received(length);
    this.#options.wasRead?.();
  }

  /** Reads by events alone: most bodies are one chunk, and each promise would cost more than the chunk. */
  #collect(maxBytes: number): Promise<Buffer> {
    const source = this.#source;
    const gathered = new Gathered();
    return new Promise((resolve, reject) => {
      const look = () => {
        for (let chunk: string | null = source.read(); chunk !== null; chunk = source.read()) {
          this.#received(chunk, reading);
          if (this.#receivedBytes > maxBytes) return settle(() => resolve(this.#tooLarge(maxBytes)));
          gathered.add(Buffer.from(chunk, 'latin1'));
          const overload = this.#keep(gathered.heldBytes);
          if (overload !== undefined) return settle(() => reject(overload));
        }
        const { error, ended } = reading;
        if (error !== undefined) settle(() => reject(error));
        else if (ended) settle(() => resolve(gathered.take()));
      };
      const settle = (outcome: () => void) => {
        reading.stop();
        this.#finish(reading);
        outcome();
      };
      const reading = new Reading(source, this.#options, look);
      this.#reading = reading;
      reading.hurry();
      look();
    });
  }

  #finish({ ended, error }: Reading): void {
    if (ended) this.#state = 'ended';
    else if (error?.code === Status.DEADLINE_EXCEEDED) this.#cut();
    if (ended) this.#share?.settle();
  }

  #tooLarge(maxBytes: number): Promise<never> {
    this.#cut();
    return Promise.reject(gatewayErrors.BODY_TOO_LARGE({ maxBytes }));
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
  readonly #changed: () => void;
  ended = false;
  error: BodyError | undefined;
  /** The time that is left for the client to send the rest. Each byte adds to it. */
  #allowedMs: number;
  /** Since when the client is waited for. */
  #since = 0;
  #deadline: Deadline | undefined;

  /** @param changed runs when there is something to read, and when the body has ended or failed. */
  constructor(source: Readable, options: BodyOptions, changed: () => void) {
    this.#source = source;
    this.#options = options;
    this.#changed = changed;
    this.#allowedMs = options.limits.bodyGraceMs;
    this.ended = source.readableEnded;
    if (source.destroyed) this.#fail(gatewayErrors.BODY_BROKEN_OFF);
    if (this.ended) return;
    // An error is always followed by `close`.
    source.on('readable', changed).on('end', this.#onEnd).on('aborted', this.#breakOff).on('close', this.#breakOff);
  }

  received(bytes: number): void {
    const { deadlines, limits } = this.#options;
    const { bodyBytesPerSecond, stallMs } = limits;
    if (this.#deadline !== undefined) {
      const now = deadlines.now();
      this.#allowedMs -= now - this.#since;
      this.#since = now;
    }
    // A client that sent much at once may not rest for an hour.
    this.#allowedMs = Math.min(this.#allowedMs + (bytes / bodyBytesPerSecond) * 1_000, stallMs);
  }

  /** From now on the client may not rest. */
  hurry(): void {
    const { deadlines } = this.#options;
    this.#since = deadlines.now();
    this.#deadline = deadlines.set(this.#allowedMs, this.#expire);
  }

  /** The client may rest before it sends more, and has its time of grace again when it does. */
  relax(): void {
    this.#allowedMs = this.#options.limits.bodyGraceMs;
  }

  /** The client may rest again. */
  rest(): void {
    if (this.#deadline === undefined) return;
    this.#deadline.cancel();
    this.#deadline = undefined;
    this.#allowedMs -= this.#options.deadlines.now() - this.#since;
  }

  stop(): void {
    this.#deadline?.cancel();
    if (this.ended) return;
    this.#source.off('readable', this.#changed).off('end', this.#onEnd);
    this.#source.off('aborted', this.#breakOff).off('close', this.#breakOff);
  }

  /** Its room is needed for others. */
  giveUp(): void {
    this.#fail(gatewayErrors.TOO_MUCH_UNFINISHED);
    this.#changed();
  }

  readonly #onEnd = (): void => {
    if (this.error === undefined) this.ended = true;
    this.#changed();
  };

  readonly #breakOff = (): void => {
    this.#fail(gatewayErrors.BODY_BROKEN_OFF);
    this.#changed();
  };

  /** What arrived since the deadline was set has moved it. */
  readonly #expire = (): void => {
    this.rest();
    if (this.#allowedMs > 0) {
      this.hurry();
      return;
    }
    this.#fail(() => gatewayErrors.BODY_TOO_SLOW({ bytes: this.#options.limits.bodyBytesPerSecond }));
    this.#changed();
  };

  #fail(make: () => BodyError): void {
    if (!this.ended) this.error ??= make();
  }
}
