import type { Clock, Timer } from '@rondo/base';
import type { Logger, Reply } from '../call/call.js';
import type { Metadata } from '../call/metadata.js';
import { serverErrors } from '../errors/server.js';
import { encodeStatusDetails } from '../status/detail.js';
import { RpcError } from '../status/rpc-error.js';
import { type EndFrame, PIECE_BYTES } from '../transport/frames/frames.js';
import { type Outbox, Outgoing } from '../transport/frames/outbox.js';
import { formatRetryPushback } from '../transport/retry-metadata.js';
import { notHandledMark } from '../transport/router-error.js';
import { sendFailure } from './answer.js';
import type { FramedCall } from './framed-call.js';
import { UNREAD } from './limits.js';

/** Options of {@link FrameReplies}. */
interface FrameRepliesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Runs when a call has got its end. */
  readonly onEnd: (call: FramedCall) => void;
  /** Runs when the client leaves so many bytes of replies unread that they would fill the memory of this process. */
  readonly onStall: (bytes: number) => void;
}

/** The replies to the calls of one connection. */
export class FrameReplies {
  readonly #outbox: Outbox;
  readonly #options: FrameRepliesOptions;
  /** Runs while the client has much unread. */
  #stall: Timer | undefined;
  #closed = false;
  /** Whether the client has read something since this was last set to false. */
  hasRead = false;

  constructor(outbox: Outbox, options: FrameRepliesOptions) {
    this.#outbox = outbox;
    this.#options = options;
  }

  /** Sends no more. */
  close(): void {
    this.#closed = true;
    this.#stall?.cancel();
  }

  /** Sends the reply to a call. */
  reply(call: FramedCall, reply: Reply<Uint8Array>): void {
    const { response } = reply;
    try {
      if (!response.stream) this.#sendOnly(call, reply, response.message);
      else
        this.#sendEach(call, reply, response.messages[Symbol.asyncIterator]()).catch((fault) =>
          this.#failToSend(call, fault),
        );
    } catch (fault) {
      this.#failToSend(call, fault);
    }
  }

  /** Sends the header of a call at once. Further ones are ignored. @throws TypeError if it can't be sent. */
  sendHeader(call: FramedCall, header: Metadata): void {
    if (call.headerSent || call.ended) return;
    header.checkSendable();
    call.headerSent = true;
    this.#outbox.sender.writer.header(call.id, header);
    this.#outbox.sender.send();
  }

  /** Ends a call with a status, after the replies that it has sent. The router has made sure that the status can be sent. */
  fail(call: FramedCall, fault: unknown): void {
    if (call.ended) return;
    const error = fault instanceof RpcError ? fault : serverErrors.SERVER_FAILED({ cause: fault });
    const failure = {
      code: error.code,
      message: error.message,
      details: encodeStatusDetails(error),
      notHandled: notHandledMark(error, call.path),
      retryPushback: error.retryPushbackMs === undefined ? undefined : formatRetryPushback(error.retryPushbackMs),
    };
    const end = () => this.#end(call, { message: undefined, header: error.header, trailer: error.metadata, failure });
    if (call.outgoing === undefined) end();
    else call.outgoing.finish(end);
  }

  #sendOnly(call: FramedCall, { header, trailer }: Reply<Uint8Array>, message: Uint8Array): void {
    if (call.ended) return;
    header.checkSendable();
    trailer.checkSendable();
    const isShort = message.length <= PIECE_BYTES;
    const end = { message: isShort ? message : undefined, header, trailer, failure: undefined };
    if (isShort) {
      this.#end(call, end);
      return;
    }
    const outgoing = new Outgoing(call.id, this.#outbox);
    call.outgoing = outgoing;
    void outgoing.send(message);
    outgoing.finish(() => this.#end(call, end));
    this.#watchReader();
  }

  /** No `for await`, which would keep a long message while the connection takes it. */
  async #sendEach(call: FramedCall, reply: Reply<Uint8Array>, messages: AsyncIterator<Uint8Array>): Promise<void> {
    const { header, trailer } = reply;
    const outgoing = new Outgoing(call.id, this.#outbox);
    let step = await messages.next();
    try {
      if (!header.isEmpty && step.done !== true) this.sendHeader(call, header);
    } catch (fault) {
      await messages.return?.();
      throw fault;
    }
    if (call.ended) outgoing.drop();
    else call.outgoing = outgoing;
    while (step.done !== true) {
      const full = outgoing.send(step.value);
      step = DROPPED;
      if (full !== undefined) await full;
      step = await messages.next();
    }
    header.checkSendable();
    trailer.checkSendable();
    outgoing.finish(() => this.#end(call, { message: undefined, header, trailer, failure: undefined }));
  }

  #failToSend(call: FramedCall, fault: unknown): void {
    this.fail(call, sendFailure(fault, call, this.#options.logger));
  }

  #end(call: FramedCall, { header, ...frame }: Omit<EndFrame, 'id'>): void {
    if (this.#closed || call.ended) return;
    this.#outbox.sender.writer.end({ id: call.id, header: call.headerSent ? undefined : header, ...frame });
    this.#outbox.sender.send();
    this.#options.onEnd(call);
    this.#watchReader();
  }

  get #queuedBytes(): number {
    return this.#outbox.sender.queuedBytes + this.#outbox.waitingBytes;
  }

  #watchReader(): void {
    if (this.#closed || this.#queuedBytes <= UNREAD.held) return;
    if (this.#queuedBytes > UNREAD.most) {
      this.#options.onStall(this.#queuedBytes);
      return;
    }
    if (this.#stall !== undefined) return;
    this.hasRead = false;
    const look = () => {
      this.#stall = undefined;
      if (this.hasRead || this.#queuedBytes <= UNREAD.held) this.#watchReader();
      else this.#options.onStall(this.#queuedBytes);
    };
    this.#stall = this.#options.clock.setTimer(UNREAD.stallMs, look, { keepAlive: false });
  }
}

const DROPPED: IteratorResult<Uint8Array> = { done: true, value: undefined };
