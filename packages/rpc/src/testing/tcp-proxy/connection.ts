import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../clock/index.js';

/** The two ends of a connection through the proxy. */
interface Ends {
  readonly caller: Socket;
  readonly target: Socket;
}

/** A connection through the proxy: a line each way between the caller's socket and the target's. */
export class Connection {
  readonly #caller: Socket;
  readonly #target: Socket;
  readonly #pipes: readonly BytePipe[];
  readonly #onGone: () => void;
  /** Whether the target's end is gone without the caller's knowing. */
  #abandoned = false;

  /** @param onGone called once nothing crosses it any more. */
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

  /** Bytes that are held, both ways together. */
  get inTransit(): number {
    return this.#pipes.reduce((sum, line) => sum + line.inTransit, 0);
  }

  /** Nothing crosses, and nothing breaks. */
  stall(): void {
    for (const line of this.#pipes) line.stall();
  }

  /** What was held crosses. */
  resume(): void {
    if (!this.#abandoned) for (const line of this.#pipes) line.resume();
  }

  /** Resets both ends. */
  cut(): void {
    this.#onGone();
    for (const line of this.#pipes) line.close();
    this.#caller.resetAndDestroy();
    this.#target.resetAndDestroy();
  }

  /** Resets the target's end and leaves the caller's standing: nothing answers it, and nothing tells it why. */
  abandon(): void {
    this.#abandoned = true;
    for (const line of this.#pipes) line.close();
    this.#target.resetAndDestroy();
  }
}

/** What one direction of a path is like. */
interface BytePipeOptions {
  readonly clock: Clock;
  /** How long bytes are on their way. Milliseconds. */
  readonly delayMs: number;
  /** How many bytes a second it carries; infinity for no limit. */
  readonly bytesPerSecond: number;
}

/** Bytes on their way, and when they arrive; the end of the stream where there are none. */
interface Packet {
  readonly bytes: Buffer | undefined;
  readonly arrivesAt: number;
}

/** With a limit, bytes cross in packets of this size, as they do on a wire: a large write doesn't arrive in one lump. */
const PACKET_BYTES = 1_460;
/** Where this much is on its way, no more is read from the sender until some has arrived. */
const MAX_IN_TRANSIT_BYTES = 64 * 1024;

/** One direction of a connection: what it reads from one socket arrives at the other, late and no faster than it carries. */
class BytePipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #options: BytePipeOptions;
  readonly #packets: Packet[] = [];
  #inTransit = 0;
  /** When the last packet has left the sender. */
  #freeAt = 0;
  #timer: Timer | undefined;
  #stalled = false;
  /** Whether the receiver can't take any more for now. */
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

  /** Nothing arrives any more; what comes is held, up to what may be on its way. */
  stall(): void {
    this.#stalled = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** What was held goes on, as TCP sends again what a break of the path has swallowed. */
  resume(): void {
    this.#stalled = false;
    this.#arrive();
  }

  /** Drops what is on its way: nothing arrives any more. */
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

  /** Hands over what is due, and comes back for the rest. */
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

  /** Back-pressure: the sender is read from only while there is room. */
  #steer(): void {
    if (this.#inTransit >= MAX_IN_TRANSIT_BYTES) this.#from.pause();
    else this.#from.resume();
  }
}
