import type { Socket } from 'node:net';
import type { Clock, Timer } from '@rondo/base';

/** The sockets of a connection through the proxy. */
interface Ends {
  readonly caller: Socket;
  readonly target: Socket;
}

/** A connection through the proxy, with a pipe in each direction. */
export class Connection {
  readonly #caller: Socket;
  readonly #target: Socket;
  readonly #pipes: readonly BytePipe[];
  readonly #onGone: () => void;
  /** Whether the target's socket was closed without telling the caller. */
  #abandoned = false;

  /** @param onGone runs once the connection has ended. */
  constructor({ caller, target }: Ends, options: BytePipeOptions, onGone: () => void) {
    this.#onGone = onGone;
    this.#caller = caller;
    this.#target = target;
    this.#pipes = [new BytePipe(caller, target, options), new BytePipe(target, caller, options)];
    for (const end of [caller, target]) {
      end.on('error', () => this.cut());
      end.on('close', () => {
        if (caller.closed && target.closed) onGone();
      });
    }
  }

  /** Bytes on their way, in both directions together. */
  get inTransit(): number {
    return this.#pipes.reduce((sum, line) => sum + line.inTransit, 0);
  }

  /** Holds back all bytes without breaking the connection. */
  stall(): void {
    for (const line of this.#pipes) line.stall();
  }

  /** Delivers the bytes that were held back. */
  resume(): void {
    if (!this.#abandoned) for (const line of this.#pipes) line.resume();
  }

  cut(): void {
    this.#onGone();
    for (const line of this.#pipes) line.close();
    // A socket that is shutting down can't be reset, and its handle would stay.
    for (const end of [this.#caller, this.#target]) {
      if (end.writableEnded) end.destroy();
      else end.resetAndDestroy();
    }
  }

  /** Resets the target's socket and leaves the caller's open: it gets no answer and no error. */
  abandon(): void {
    this.#abandoned = true;
    for (const line of this.#pipes) line.close();
    this.#target.resetAndDestroy();
  }
}

/** The properties of one direction. */
interface BytePipeOptions {
  readonly clock: Clock;
  /** The delay of each byte. Milliseconds. */
  readonly delayMs: number;
  /** The bandwidth in bytes per second; `Infinity` for no limit. */
  readonly bytesPerSecond: number;
}

/** Bytes on their way and their time of arrival. Without bytes it is the end of the stream. */
interface Packet {
  readonly bytes: Buffer | undefined;
  readonly arrivesAt: number;
}

/**
 * If the bandwidth is limited, bytes travel in packets of this size, as on a real network, and a large write doesn't
 * arrive at once.
 */
const PACKET_BYTES = 1_460;
/** The most bytes on their way. Beyond that, the sender isn't read until some have arrived. */
const MAX_IN_TRANSIT_BYTES = 64 * 1024;

/**
 * One direction of a connection. What it reads from one socket arrives at the other, after the delay and within the
 * bandwidth.
 */
class BytePipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #options: BytePipeOptions;
  readonly #packets: Packet[] = [];
  #inTransit = 0;
  /** When the last packet will have left the sender. */
  #freeAt = 0;
  #timer: Timer | undefined;
  #stalled = false;
  /** Whether the receiver's buffer is full. */
  #full = false;

  constructor(from: Socket, to: Socket, options: BytePipeOptions) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
    from.on('data', (bytes: Buffer) => this.#send(bytes));
    from.on('end', () => this.#push(undefined));
    to.on('drain', () => {
      this.#full = false;
      this.#arrive();
    });
  }

  /** Bytes that have left the sender and haven't arrived. */
  get inTransit(): number {
    return this.#inTransit;
  }

  /** Holds back everything; reads on only up to the limit on its way. */
  stall(): void {
    this.#stalled = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Delivers what was held back, as TCP retransmits what a broken path has lost. */
  resume(): void {
    this.#stalled = false;
    this.#arrive();
  }

  /** Drops the bytes on their way. */
  close(): void {
    this.stall();
    this.#packets.length = 0;
  }

  #send(bytes: Buffer): void {
    const step = Number.isFinite(this.#options.bytesPerSecond) ? PACKET_BYTES : bytes.length;
    for (let at = 0; at < bytes.length; at += step) this.#push(bytes.subarray(at, at + step));
    this.#steer();
  }

  #push(bytes: Buffer | undefined): void {
    const { clock, delayMs, bytesPerSecond } = this.#options;
    const sizeBytes = bytes?.length ?? 0;
    this.#freeAt = Math.max(clock.now(), this.#freeAt) + (sizeBytes / bytesPerSecond) * 1000;
    this.#packets.push({ bytes, arrivesAt: this.#freeAt + delayMs });
    this.#inTransit += sizeBytes;
    this.#arrive();
  }

  /** Delivers what is due, and sets a timer for the rest. */
  #arrive(): void {
    const { clock } = this.#options;
    while (!this.#stalled && !this.#full) {
      const next = this.#packets[0];
      if (next === undefined) break;
      const waitMs = next.arrivesAt - clock.now();
      if (waitMs > 0) {
        this.#timer ??= clock.setTimer(waitMs, () => {
          this.#timer = undefined;
          this.#arrive();
        });
        break;
      }
      this.#packets.shift();
      this.#deliver(next);
    }
    this.#steer();
  }

  #deliver({ bytes }: Packet): void {
    if (bytes === undefined) {
      this.#to.end();
      return;
    }
    this.#inTransit -= bytes.length;
    this.#full = !this.#to.write(bytes);
  }

  /** Back-pressure: reads from the sender only while there is room. */
  #steer(): void {
    if (this.#inTransit >= MAX_IN_TRANSIT_BYTES) this.#from.pause();
    else this.#from.resume();
  }
}
