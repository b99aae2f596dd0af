import type { Metadata } from '../call/metadata.js';
import { encodeStatusDetails } from '../status/detail.js';
import type { RpcError } from '../status/rpc-error.js';
import { formatRetryPushback } from '../transport/retry-metadata.js';
import { notHandledMark } from '../transport/router-error.js';
import { BATCH_BYTES, FrameSender, type WriteBatch } from '../transport/tunnel/frame-sender.js';
import { MAX_UNFINISHED_BYTES } from '../transport/tunnel/frames.js';

/** The reply to a call that succeeded. */
interface Success {
  readonly header: Metadata;
  readonly trailer: Metadata;
  readonly message: Uint8Array;
}

/** A reply that is sent in pieces. */
interface LongReply extends Success {
  readonly id: number;
  sentBytes: number;
  /** Runs when its last piece was written. */
  readonly done: () => void;
}

const NO_BYTES = Buffer.alloc(0);

/** The replies of one tunnel. Long ones go in pieces that take turns with each other and with other replies. */
export class TunnelReplies {
  readonly #sender: FrameSender;
  /** Long replies that haven't begun. */
  readonly #waiting: LongReply[] = [];
  /** Replies that take turns. */
  readonly #begun: LongReply[] = [];
  /** The length of the replies that take turns. */
  #begunBytes = 0;
  /** What is left of all long ones. */
  #longBytes = 0;

  /** @param onTaken runs when the connection has taken something. */
  constructor(write: WriteBatch, onTaken: () => void) {
    this.#sender = new FrameSender(write, () => {
      this.#sendPieces();
      onTaken();
    });
  }

  /** The bytes that the connection hasn't taken yet. */
  get queuedBytes(): number {
    return this.#sender.queuedBytes + this.#longBytes;
  }

  /**
   * Sends a reply. `done` runs once the reply is written; a long reply is written in several pieces.
   *
   * @throws TypeError if its metadata can't be sent. Then nothing is sent.
   */
  succeed(id: number, { header, trailer, message }: Success, done: () => void): void {
    header.checkSendable();
    trailer.checkSendable();
    if (message.length > BATCH_BYTES) {
      this.#waiting.push({ id, header, trailer, message, sentBytes: 0, done });
      this.#longBytes += message.length;
      this.#sendPieces();
      return;
    }
    this.#sender.writer.reply({ id, message, totalBytes: 0, more: false, header, trailer, failure: undefined });
    this.#sender.send();
    done();
  }

  /** Sends the failure of a call. The router has made sure that it can be sent. */
  fail({ id, path, header }: FailedCall, error: RpcError): void {
    const { code, message, metadata: trailer } = error;
    const first = header ?? error.header;
    const failure = {
      code,
      message,
      details: encodeStatusDetails(error),
      notHandled: notHandledMark(error, path),
      retryPushback: error.retryPushbackMs === undefined ? undefined : formatRetryPushback(error.retryPushbackMs),
    };
    this.#sender.writer.reply({ id, message: NO_BYTES, totalBytes: 0, more: false, header: first, trailer, failure });
    this.#sender.send();
  }

  /** Drops the rest of a long reply. Returns whether there was a rest: the call then still needs a last frame. */
  drop(id: number): boolean {
    const begun = takeOut(this.#begun, id);
    const dropped = begun ?? takeOut(this.#waiting, id);
    if (dropped === undefined) return false;
    if (begun !== undefined) this.#begunBytes -= begun.message.length;
    this.#longBytes -= dropped.message.length - dropped.sentBytes;
    return true;
  }

  /** Runs `end` once the connection has taken everything. */
  finish(end: () => void): void {
    this.#sender.finish(end);
  }

  /** Drops everything: the stream has ended. */
  close(): void {
    this.#sender.close();
    this.#waiting.length = 0;
    this.#begun.length = 0;
    this.#longBytes = 0;
  }

  /** Sends pieces of the long replies in turn, as far as the connection takes them. */
  #sendPieces(): void {
    while (this.#sender.hasRoom) {
      this.#beginNext();
      const reply = this.#begun.shift();
      if (reply === undefined) return;
      const { id, message, sentBytes } = reply;
      const piece = message.subarray(sentBytes, sentBytes + BATCH_BYTES);
      reply.sentBytes += piece.length;
      this.#longBytes -= piece.length;
      const isFirst = sentBytes === 0;
      const more = reply.sentBytes < message.length;
      this.#sender.writer.reply({
        id,
        message: piece,
        totalBytes: isFirst ? message.length : 0,
        more,
        header: isFirst ? reply.header : undefined,
        trailer: more ? undefined : reply.trailer,
        failure: undefined,
      });
      this.#sender.send();
      if (more) {
        this.#begun.push(reply);
      } else {
        this.#begunBytes -= message.length;
        reply.done();
      }
    }
  }

  /** Begins long replies as far as the client keeps them together. */
  #beginNext(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { length } = next.message;
      if (this.#begunBytes > 0 && this.#begunBytes + length > MAX_UNFINISHED_BYTES) return;
      this.#waiting.shift();
      this.#begun.push(next);
      this.#begunBytes += length;
    }
  }
}

/** Takes the reply to the call with this id out of `replies`. */
function takeOut(replies: LongReply[], id: number): LongReply | undefined {
  const index = replies.findIndex((reply) => reply.id === id);
  return index < 0 ? undefined : replies.splice(index, 1)[0];
}

interface FailedCall {
  readonly id: number;
  readonly path: string;
  /** What its handler has sent. */
  readonly header: Metadata | undefined;
}
