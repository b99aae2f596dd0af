import type { Clock, Timer } from '@rondo/base';
import type { Outbox } from '../transport/frames/outbox.js';
import { UNREAD } from './limits.js';

/** Options of {@link UnreadReplies}. */
interface UnreadRepliesOptions {
  readonly clock: Clock;
  /** Runs when the client leaves so many bytes of replies unread that they would fill the memory of this process. */
  readonly onStall: (bytes: number) => void;
}

/** Watches that the client of a connection reads its replies. */
export class UnreadReplies {
  readonly #outbox: Outbox;
  readonly #options: UnreadRepliesOptions;
  /** Runs while the client has much unread. */
  #stall: Timer | undefined;
  #closed = false;
  /** Whether the client has read something since this was last set to false. */
  hasRead = false;

  constructor(outbox: Outbox, options: UnreadRepliesOptions) {
    this.#outbox = outbox;
    this.#options = options;
  }

  close(): void {
    this.#closed = true;
    this.#stall?.cancel();
  }

  /** Replies wait for the client. */
  check(): void {
    const queuedBytes = this.#queuedBytes;
    if (this.#closed || queuedBytes <= UNREAD.held) return;
    const { clock, onStall } = this.#options;
    if (queuedBytes > UNREAD.most) {
      onStall(queuedBytes);
      return;
    }
    if (this.#stall !== undefined) return;
    this.hasRead = false;
    this.#stall = clock.setTimer(UNREAD.stallMs, () => this.#judge(), { keepAlive: false });
  }

  #judge(): void {
    this.#stall = undefined;
    const queuedBytes = this.#queuedBytes;
    if (this.hasRead || queuedBytes <= UNREAD.held) this.check();
    else this.#options.onStall(queuedBytes);
  }

  get #queuedBytes(): number {
    return this.#outbox.queuedBytes + this.#outbox.waitingBytes;
  }
}
