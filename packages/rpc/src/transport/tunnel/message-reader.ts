import { yieldToEventLoop } from '@rondo/base';
import { FieldReader } from './wire-format.js';

/**
 * How many calls or replies are read in one turn of the event loop. With more, one end idles while the other reads
 * everything that has arrived. With fewer, writes cost more.
 */
export const FRAMES_A_TURN = 16;

/** Reads some frames of a message: whether it has more. */
export type ReadFrames = (fields: FieldReader) => boolean;

/**
 * Reads the messages of one end of a tunnel, a few frames in each turn of the event loop. The frames that they
 * cause are sent at the end of each turn, so the peer can work while this end reads on.
 */
export class MessageReader {
  readonly #readFrames: ReadFrames;
  readonly #onRead: () => void;
  #rest: FieldReader | undefined;

  /** @param onRead runs when all of a message was read. */
  constructor(readFrames: ReadFrames, onRead: () => void) {
    this.#readFrames = readFrames;
    this.#onRead = onRead;
  }

  /** Whether frames of the current message are still unread. No other message may be read before. */
  get isBusy(): boolean {
    return this.#rest !== undefined;
  }

  read(bytes: Buffer): void {
    this.#readOn(new FieldReader(bytes));
  }

  /** Reads the remaining messages now. */
  finish(): void {
    for (let rest = this.#rest; rest !== undefined; rest = this.#rest) {
      this.#rest = this.#readFrames(rest) ? rest : undefined;
    }
  }

  #readOn(fields: FieldReader): void {
    this.#rest = this.#readFrames(fields) ? fields : undefined;
    if (this.#rest === undefined) this.#onRead();
    else void yieldToEventLoop().then(this.#goOn);
  }

  readonly #goOn = (): void => {
    if (this.#rest !== undefined) this.#readOn(this.#rest);
  };
}
