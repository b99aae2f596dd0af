import type * as grpc from '@grpc/grpc-js';
import type { Reply } from '../../call/call.js';
import type { Metadata } from '../../call/metadata.js';
import { SendQueue } from '../../transport/grpc/send-queue.js';
import { headerOf, toGrpcMetadata, toGrpcStatus } from './exchange.js';

/** A call that streams messages in at least one direction. */
export type StreamingCall = grpc.ServerWritableStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>;

/** Sends the replies of a streaming call. */
export class Replies {
  readonly #call: StreamingCall;
  readonly #queue: SendQueue;
  #headerSent = false;

  constructor(call: StreamingCall) {
    this.#call = call;
    this.#queue = new SendQueue((body, { taken }) => call.write(body, taken));
    call.once('close', () => this.#queue.close());
  }

  /** Sends a reply. Resolves when the last message has been written; the connection may still buffer it. */
  async sendAll({ header, trailer, response }: Reply<Uint8Array>): Promise<void> {
    if (response.stream) await this.#sendEach(response.messages, header);
    else {
      this.#sendHeader(header);
      await this.#queue.send(response.message);
    }
    this.#sendHeader(header);
    const last = toGrpcMetadata(trailer);
    this.#queue.flush();
    this.#call.end(last);
  }

  /** No `for await`, which would keep a long message while the connection takes its copy. */
  async #sendEach(messages: AsyncIterable<Uint8Array>, header: Metadata): Promise<void> {
    const iterator = messages[Symbol.asyncIterator]();
    let step: IteratorResult<Uint8Array> = await iterator.next();
    try {
      this.#sendHeader(header);
    } catch (fault) {
      await iterator.return?.();
      throw fault;
    }
    while (step.done !== true) {
      const full = this.#queue.send(step.value);
      step = DROPPED;
      if (full !== undefined) await full;
      step = await iterator.next();
    }
  }

  /** Ends the call of the method at `path` with a status, if the caller is still connected. Earlier messages are sent. */
  fail(fault: unknown, path: string): void {
    if (this.#call.destroyed) return;
    const header = headerOf(fault);
    if (header !== undefined) this.#sendHeader(header);
    this.#queue.flush();
    this.#call.emit('error', toGrpcStatus(fault, path));
  }

  #sendHeader(header: Metadata): void {
    if (!this.#headerSent && header.size > 0) this.#call.sendMetadata(toGrpcMetadata(header));
    this.#headerSent = true;
  }
}

const DROPPED: IteratorResult<Uint8Array> = { done: true, value: undefined };
