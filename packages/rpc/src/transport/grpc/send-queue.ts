/** Messages shorter than this are sent together. Bytes. */
const JOINED_BYTES = 1_024;
/** The most that is sent together: one HTTP/2 frame. */
const MAX_JOINED_BYTES = 16 * 1_024;
const MAX_JOINED = 128;
/** How many messages and bytes may be ahead of the connection. A longer message is allowed if it is the only one. */
const MAX_AHEAD = 2 * MAX_JOINED;
const MAX_AHEAD_BYTES = 2 * MAX_JOINED_BYTES;

/** Messages that are sent together. */
export interface Together {
  readonly messages: readonly Uint8Array[];
  /** Their length together. */
  readonly bytes: number;
}

/** Writes messages, and runs `taken` once the connection has taken them. */
type Write = (together: Together, taken: () => void) => void;

/**
 * The messages of a stream that the connection hasn't taken yet. Its sender may be ahead of the connection by a bounded
 * number of messages and bytes.
 *
 * A message that is handed to the connection by itself becomes a frame, and costs a turn of the event loop at both ends.
 * Here short messages that are sent in one turn, or while a write is under way, are joined. See ADR 0038.
 */
export class SendQueue {
  readonly #write: Write;
  #messages: Uint8Array[] = [];
  #bytes = 0;
  /** What has been written and not yet taken. */
  #writes = 0;
  #ahead = 0;
  #aheadBytes = 0;
  #closed = false;
  #onChange: (() => void) | undefined;

  constructor(write: Write) {
    this.#write = write;
  }

  /** Sends a message. Resolves when there is room for another one; undefined if there is room now. */
  send(message: Uint8Array): Promise<void> | undefined {
    if (this.#closed) return undefined;
    this.#messages.push(message);
    this.#bytes += message.length;
    this.#ahead += 1;
    this.#aheadBytes += message.length;
    if (this.#writes === 0) {
      if (this.#bytes >= MAX_JOINED_BYTES || this.#messages.length >= MAX_JOINED) this.#writeNext();
      else if (this.#messages.length === 1) process.nextTick(this.#writeSoon);
    }
    return this.#hasRoom ? undefined : this.#until(() => this.#hasRoom);
  }

  /** Writes the remaining messages, without a wait. */
  flush(): void {
    while (this.#messages.length > 0) this.#writeNext();
  }

  /** Resolves once the connection has taken every message. */
  async taken(): Promise<void> {
    if (this.#ahead > 0) await this.#until(() => this.#ahead === 0);
  }

  /** Drops the remaining messages and ends every wait, because the call has ended. */
  close(): void {
    this.#closed = true;
    this.#messages.length = 0;
    this.#onChange?.();
  }

  get #hasRoom(): boolean {
    return this.#ahead < MAX_AHEAD && this.#aheadBytes < MAX_AHEAD_BYTES;
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = () => {
        if (!this.#closed && !condition()) return;
        this.#onChange = undefined;
        resolve();
      };
    });
  }

  readonly #writeSoon = (): void => {
    if (this.#writes === 0 && this.#messages.length > 0) this.#writeNext();
  };

  #writeNext(): void {
    const messages = this.#next();
    const bytes = lengthOf(messages);
    const count = messages.length;
    this.#bytes -= bytes;
    this.#writes += 1;
    // Keeps no message.
    const taken = () => {
      this.#writes -= 1;
      this.#ahead -= count;
      this.#aheadBytes -= bytes;
      this.#writeSoon();
      this.#onChange?.();
    };
    this.#write({ messages, bytes }, taken);
  }

  /** The next messages that are sent together. */
  #next(): Uint8Array[] {
    let bytes = 0;
    const end = this.#messages.findIndex((message, index) => {
      bytes += message.length;
      return message.length >= JOINED_BYTES || bytes > MAX_JOINED_BYTES || index === MAX_JOINED;
    });
    if (end < 0) return this.#messages.splice(0);
    return this.#messages.splice(0, Math.max(1, end));
  }
}

function lengthOf(messages: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const { length } of messages) bytes += length;
  return bytes;
}
