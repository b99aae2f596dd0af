import type { Metadata } from '../../call/metadata.js';
import { encodeStatusDetails } from '../../status/detail.js';
import type { RpcError } from '../../status/rpc-error.js';
import { notHandledMark } from '../../transport/router-error.js';
import { BATCH_BYTES, FrameSender, type WriteBatch } from '../../transport/tunnel/frame-sender.js';

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
  readonly #long: LongReply[] = [];
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
   * Sends a reply. `done` runs once it is written, which for a long one is later.
   *
   * @throws TypeError if its metadata can't be sent. Then nothing is sent.
   */
  succeed(id: number, { header, trailer, message }: Success, done: () => void): void {
    header.checkSendable();
    trailer.checkSendable();
    if (message.length > BATCH_BYTES) {
      this.#long.push({ id, header, trailer, message, sentBytes: 0, done });
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
    const failure = { code, message, details: encodeStatusDetails(error), notHandled: notHandledMark(error, path) };
    this.#sender.writer.reply({ id, message: NO_BYTES, totalBytes: 0, more: false, header: first, trailer, failure });
    this.#sender.send();
  }

  /** Drops the rest of a long reply. Returns whether there was one: its call still wants a last frame. */
  drop(id: number): boolean {
    const index = this.#long.findIndex((reply) => reply.id === id);
    const [dropped] = index < 0 ? [] : this.#long.splice(index, 1);
    if (dropped === undefined) return false;
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
    this.#long.length = 0;
    this.#longBytes = 0;
  }

  /** Sends pieces of the long replies in turn, as far as the connection takes them. */
  #sendPieces(): void {
    while (this.#sender.hasRoom) {
      const reply = this.#long.shift();
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
      if (more) this.#long.push(reply);
      else reply.done();
    }
  }
}

/** A call that failed. */
interface FailedCall {
  readonly id: number;
  readonly path: string;
  /** What its handler has sent. */
  readonly header: Metadata | undefined;
}
