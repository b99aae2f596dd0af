import type * as grpc from '@grpc/grpc-js';
import type { Reply } from '../../call/call.js';
import type { Metadata } from '../../call/metadata.js';
import { toBuffer } from '../../transport/grpc/metadata.js';
import { headerOf, toGrpcMetadata, toGrpcStatus } from './exchange.js';

/** A call that streams messages in at least one direction. */
export type StreamingCall = grpc.ServerWritableStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>;

/** Sends the replies of a streaming call. */
export class Replies {
  readonly #call: StreamingCall;
  #headerSent = false;

  constructor(call: StreamingCall) {
    this.#call = call;
  }

  async sendAll({ header, response }: Reply<Uint8Array>): Promise<void> {
    if (!response.stream) {
      this.#sendHeader(header);
      await this.#send(response.message);
      return;
    }
    for await (const message of response.messages) {
      this.#sendHeader(header);
      await this.#send(message);
    }
    this.#sendHeader(header);
  }

  /** Ends the call of the method at `path` with a status, if the caller is still connected. */
  fail(fault: unknown, path: string): void {
    if (this.#call.destroyed) return;
    const header = headerOf(fault);
    if (header !== undefined) this.#sendHeader(header);
    this.#call.emit('error', toGrpcStatus(fault, path));
  }

  #sendHeader(header: Metadata): void {
    if (!this.#headerSent && header.size > 0) this.#call.sendMetadata(toGrpcMetadata(header));
    this.#headerSent = true;
  }

  /** Writes one message. Resolves when the reader has caught up or has left; undefined if there is no need to wait. */
  #send(message: Uint8Array): Promise<void> | undefined {
    const call = this.#call;
    if (message.length > LARGE_BYTES) return written(call, message);
    if (call.write(toBuffer(message)) || call.destroyed) return undefined;
    return new Promise((resolve) => {
      const done = () => {
        call.off('drain', done);
        call.off('close', done);
        resolve();
      };
      call.on('drain', done);
      call.on('close', done);
    });
  }
}

/**
 * grpc-js queues 16 messages of any length before it asks the writer to wait. Longer messages than this are awaited one
 * by one. Bytes.
 */
const LARGE_BYTES = 4 * 1024;

/** Writes a message, and waits until the connection has taken it or the caller has left. */
function written(call: StreamingCall, message: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('close', done);
      resolve();
    };
    call.on('close', done);
    call.write(toBuffer(message), done);
    if (call.destroyed) done();
  });
}
