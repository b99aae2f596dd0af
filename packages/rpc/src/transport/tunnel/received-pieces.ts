import { MAX_UNFINISHED_BYTES } from './frames.js';
import { FrameError } from './wire-format.js';

/** What the unfinished replies of one tunnel take together. */
export class PieceMemory {
  #bytes = 0;

  /** @throws FrameError if the server has begun more replies than it may. */
  reserve(bytes: number): void {
    const together = this.#bytes + bytes;
    if (this.#bytes > 0 && together > MAX_UNFINISHED_BYTES) {
      throw new FrameError(
        `the unfinished replies may have ${MAX_UNFINISHED_BYTES} bytes together; with the one that begins they have ${together}`,
      );
    }
    this.#bytes = together;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/**
 * A reply that comes in pieces. A buffer for the whole reply is allocated at the first piece, and each piece is
 * copied into it; otherwise a piece would keep the whole message that it came in.
 */
export class ReceivedPieces {
  readonly #memory: PieceMemory;
  readonly #whole: Buffer;
  #receivedBytes = 0;

  /** @throws FrameError if there is no room for another reply. */
  constructor(totalBytes: number, memory: PieceMemory) {
    memory.reserve(totalBytes);
    this.#memory = memory;
    this.#whole = Buffer.allocUnsafeSlow(totalBytes);
  }

  /** @throws FrameError if the piece doesn't fit. */
  add(piece: Uint8Array): void {
    const { length } = this.#whole;
    if (piece.length === 0) throw new FrameError('a piece of a reply is empty');
    if (this.#receivedBytes + piece.length > length) {
      throw new FrameError(`a reply is longer than the ${length} bytes that its first piece said`);
    }
    this.#whole.set(piece, this.#receivedBytes);
    this.#receivedBytes += piece.length;
  }

  /** Takes the last piece, and returns the reply. @throws FrameError if the reply isn't whole. */
  finish(piece: Uint8Array): Buffer {
    this.add(piece);
    if (this.#receivedBytes < this.#whole.length) {
      throw new FrameError(
        `a reply ends after ${this.#receivedBytes} of the ${this.#whole.length} bytes that its first piece said`,
      );
    }
    this.drop();
    return this.#whole;
  }

  /** Frees the buffer's share of the bound: the reply is complete, or isn't needed any more. Call it once. */
  drop(): void {
    this.#memory.release(this.#whole.length);
  }
}
