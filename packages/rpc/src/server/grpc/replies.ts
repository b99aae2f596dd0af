import type * as grpc from '@grpc/grpc-js';
import type { Metadata, Reply } from '../../call/index.js';
import { toBuffer } from '../../transport/grpc/metadata.js';
import { headerOf, toGrpcMetadata, toGrpcStatus } from './exchange.js';

/** A call that streams messages in one direction at least. */
export type StreamingCall = grpc.ServerWritableStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>;

/** What goes back to the caller of a streaming call. */
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

  /** Ends the call of the method at `path` with a status, if its caller is still there. */
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

  /** Writes one message, and waits while the reader is behind: until it catches up, or leaves. */
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

/** grpc-js queues 16 messages of any length before it tells a writer to wait. Longer ones than this wait by themselves. */
const LARGE_BYTES = 4 * 1024;

/** Writes a message, and waits until the connection has taken it, or the caller has left. */
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
