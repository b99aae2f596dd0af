import { FrameError } from './frames.js';

/** How much a peer may still send of one call, or of all: its credit, as this end has given it. */
export class Window {
  readonly #stepBytes: number;
  readonly #credit: (bytes: number) => void;
  #left: number;
  /** What was read, and not given back yet. */
  #owed = 0;

  /** @param credit gives the peer more, half a window at a time. */
  constructor(bytes: number, credit: (bytes: number) => void) {
    this.#left = bytes;
    this.#stepBytes = bytes / 2;
    this.#credit = credit;
  }

  /** So many bytes have come. @throws FrameError if the peer had less credit. */
  take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new FrameError(`${-this.#left} bytes of messages are beyond the credit`);
  }

  /** So many of them were read. */
  give(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed < this.#stepBytes) return;
    this.#left += this.#owed;
    this.#credit(this.#owed);
    this.#owed = 0;
  }
}

/** The most that long messages may have together that come beyond their calls' windows; one alone may have more. Bytes. */
const MAX_ADVANCED_BYTES = 16 * 1_024 * 1_024;

/** A message that is longer than its call's window, and waits for, or has, room for all of it. */
export interface Advance {
  readonly bytes: number;
  /** Runs once there is room. */
  readonly grant: () => void;
}

/**
 * Room for messages that are longer than the windows of their calls, whose pieces are paid back as they come. Only messages that
 * have room for all of their bytes come beyond their windows, so each of those can be completed.
 */
export class Advances {
  readonly #waiting = new Set<Advance>();
  readonly #granted = new Set<Advance>();
  #bytes = 0;

  ask(advance: Advance): void {
    this.#waiting.add(advance);
    this.#grantNext();
  }

  /** The message is complete, or isn't wanted any more. */
  release(advance: Advance): void {
    this.#waiting.delete(advance);
    if (this.#granted.delete(advance)) this.#bytes -= advance.bytes;
    this.#grantNext();
  }

  #grantNext(): void {
    for (const advance of this.#waiting) {
      if (this.#bytes > 0 && this.#bytes + advance.bytes > MAX_ADVANCED_BYTES) return;
      this.#waiting.delete(advance);
      this.#granted.add(advance);
      this.#bytes += advance.bytes;
      advance.grant();
    }
  }
}
