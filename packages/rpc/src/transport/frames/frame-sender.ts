import { FrameWriter } from './frame-writer.js';

/** A batch of this length is sent at once. Both ends then work at the same time. Bytes. */
export const BATCH_BYTES = 16 * 1_024;
/** What may be under way before further batches wait. Bytes. */
const MAX_WRITTEN_BYTES = 8 * BATCH_BYTES;

/** Writes a batch to the connection, and runs `taken` once the connection has taken it. */
export type WriteBatch = (batch: Buffer, taken: () => void) => void;

/** Frames that leave together. */
interface Batch {
  readonly bytes: Buffer;
  readonly lastFrame: number;
}

/**
 * Sends the frames of one end of a connection. Frames of one turn of the event loop are sent together. Frames that come while a batch
 * is being written are sent with the next batch. A batch is at most {@link BATCH_BYTES} and one frame long.
 */
export class FrameSender {
  readonly writer = new FrameWriter();
  readonly #write: WriteBatch;
  readonly #onTaken: () => void;
  readonly #waiting: Batch[] = [];
  #waitingBytes = 0;
  /** The bytes under way. */
  #writtenBytes = 0;
  #frames = 0;
  #handedOver = 0;
  #scheduled = false;
  #closed = false;
  #end: (() => void) | undefined;

  /** @param onTaken runs when the connection has taken a batch: there may be room for more frames. */
  constructor(write: WriteBatch, onTaken: () => void = () => undefined) {
    this.#write = write;
    this.#onTaken = onTaken;
  }

  /** The bytes that the connection hasn't taken yet. */
  get queuedBytes(): number {
    return this.#writtenBytes + this.#waitingBytes + this.writer.length;
  }

  /** Whether the connection takes a batch now. */
  get hasRoom(): boolean {
    return !this.#closed && this.#writtenBytes + this.#waitingBytes + this.writer.length < MAX_WRITTEN_BYTES;
  }

  /** Sends the frame that was last written to {@link FrameSender.writer}. Returns its number, which wraps at 2^32. */
  send(): number {
    this.#frames = (this.#frames + 1) >>> 0;
    const frame = this.#frames;
    if (this.writer.length >= BATCH_BYTES) {
      this.#endBatch();
      this.#writeBatches();
    } else if (!this.#scheduled && this.#writtenBytes === 0) {
      this.#scheduled = true;
      process.nextTick(this.#sendBatch);
    }
    return frame;
  }

  /** Whether the connection was given the frame with this number. */
  wasHandedOver(frame: number): boolean {
    return ((frame - this.#handedOver) | 0) <= 0;
  }

  /** Runs `end` once the connection has taken everything. */
  finish(end: () => void): void {
    this.#end = end;
    this.#endIfFinished();
  }

  /** Drops what wasn't written: the connection has ended. */
  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
  }

  readonly #sendBatch = (): void => {
    this.#scheduled = false;
    if (this.#writtenBytes === 0) this.#endBatch();
    this.#writeBatches();
  };

  #endBatch(): void {
    if (this.writer.length === 0) return;
    this.#waitingBytes += this.writer.length;
    this.#waiting.push({ bytes: this.writer.take(), lastFrame: this.#frames });
  }

  #writeBatches(): void {
    while (!this.#closed && this.#writtenBytes < MAX_WRITTEN_BYTES) {
      const batch = this.#waiting.shift();
      if (batch === undefined) return;
      const { length } = batch.bytes;
      this.#waitingBytes -= length;
      this.#writtenBytes += length;
      this.#handedOver = batch.lastFrame;
      this.#write(batch.bytes, () => this.#taken(length));
    }
  }

  #taken(bytes: number): void {
    this.#writtenBytes -= bytes;
    if (this.#closed) return;
    this.#onTaken();
    if (this.#writtenBytes === 0 && this.#waiting.length === 0) this.#endBatch();
    this.#writeBatches();
    this.#endIfFinished();
  }

  #endIfFinished(): void {
    if (this.#end === undefined || this.#closed || this.queuedBytes > 0) return;
    this.#closed = true;
    this.#end();
  }
}
