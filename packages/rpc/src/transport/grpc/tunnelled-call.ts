import type { Timer } from '@rondo/base';
import type { Reply } from '../../call/call.js';
import type { CallContext } from '../../call/call-context.js';
import { Metadata } from '../../call/metadata.js';
import { clientErrors } from '../../errors/client.js';
import { Status } from '../../status/code.js';
import { decodeStatusDetails } from '../../status/detail.js';
import type { RpcError } from '../../status/rpc-error.js';
import { readRetryPushback } from '../retry-metadata.js';
import { receivedError } from '../router-error.js';
import type { WireCall } from '../transport.js';
import type { FailureFrame, ReplyFrame } from '../tunnel/frames.js';
import { type PieceMemory, ReceivedPieces } from '../tunnel/received-pieces.js';

/** What the calls of a tunnel share. */
export interface ReplyLimits {
  readonly maxReplyBytes: number;
  readonly memory: PieceMemory;
}

/** What a call is made of. */
interface CallParts {
  readonly wire: WireCall;
  readonly requestBytes: number;
  readonly limits: ReplyLimits;
}

/** A call that the server hasn't answered yet. */
export class TunnelledCall {
  readonly id: number;
  /** Its place among all calls of the tunnel. */
  readonly sequence: number;
  readonly path: string;
  readonly context: CallContext;
  readonly requestBytes: number;
  readonly reply: Promise<Reply<Uint8Array>>;
  /** The number of its frame. */
  frame = 0;
  /** Whether its caller waits for it. */
  awaited = true;
  /** Runs when the context of the call ends. */
  onEnd: () => void = () => undefined;
  /** Keeps the process alive for a call without a deadline. */
  hold: Timer | undefined;
  /** Cancels the call if the server doesn't answer it at its deadline. */
  backstop: Timer | undefined;
  readonly #limits: ReplyLimits;
  #resolve: (reply: Reply<Uint8Array>) => void = () => undefined;
  #reject: (error: RpcError) => void = () => undefined;
  #header: Metadata | undefined;
  #pieces: ReceivedPieces | undefined;
  /** Whether the call has an outcome. Later frames of the server are ignored. */
  #settled = false;

  constructor(id: number, sequence: number, { wire, requestBytes, limits }: CallParts) {
    this.id = id;
    this.sequence = sequence;
    this.path = wire.path;
    this.context = wire.context;
    this.requestBytes = requestBytes;
    this.#limits = limits;
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Ends it, unless it has an outcome. */
  fail(error: RpcError): void {
    this.#settle();
    this.#reject(error);
  }

  /**
   * Takes the reply, or a piece of it. Returns false if the reply will be too long: then the rest isn't needed.
   *
   * @throws FrameError if a piece doesn't fit.
   */
  take(reply: ReplyFrame): boolean {
    if (this.#settled) return true;
    if (reply.more) return this.#takePiece(reply);
    const { trailer = new Metadata(), failure } = reply;
    const header = this.#pieces === undefined ? reply.header : this.#header;
    if (failure !== undefined) {
      this.fail(toError(failure, { path: this.path, header, metadata: trailer }));
      return true;
    }
    const message = this.#wholeOf(reply);
    if (message === undefined) return true;
    this.#settled = true;
    this.#resolve({ header: header ?? new Metadata(), trailer, response: { stream: false, message } });
    return true;
  }

  #takePiece({ message, totalBytes, header }: ReplyFrame): boolean {
    const { maxReplyBytes, memory } = this.#limits;
    if (this.#pieces === undefined) {
      if (totalBytes > maxReplyBytes) {
        this.fail(clientErrors.REPLY_TOO_LONG({ bytes: totalBytes, maxBytes: maxReplyBytes }));
        return false;
      }
      this.#header = header;
      this.#pieces = new ReceivedPieces(totalBytes, memory);
    }
    this.#pieces.add(message);
    return true;
  }

  #wholeOf({ message }: ReplyFrame): Uint8Array | undefined {
    const pieces = this.#pieces;
    if (pieces !== undefined) {
      const whole = pieces.finish(message);
      this.#pieces = undefined;
      return whole;
    }
    const { maxReplyBytes } = this.#limits;
    if (message.length <= maxReplyBytes) return message;
    this.fail(clientErrors.REPLY_TOO_LONG({ bytes: message.length, maxBytes: maxReplyBytes }));
    return undefined;
  }

  #settle(): void {
    this.#settled = true;
    this.#pieces?.drop();
    this.#pieces = undefined;
  }
}

/** What else is known of a failed call. */
interface FailedCall {
  readonly path: string;
  readonly header: Metadata | undefined;
  readonly metadata: Metadata;
}

function toError({ code, message, details, notHandled, retryPushback }: FailureFrame, call: FailedCall): RpcError {
  const failed = code === Status.OK ? Status.UNKNOWN : code;
  const unpacked = details === undefined ? [] : decodeStatusDetails(details);
  const retryPushbackMs = readRetryPushback(retryPushback);
  return receivedError({ ...call, code: failed, message, details: unpacked, mark: notHandled, retryPushbackMs });
}
