import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Clock, createSemaphore } from '@rondo/base';
import type { Logger } from '../call/call.js';
import type { Metadata } from '../call/metadata.js';
import { receivedTraceId } from '../call/trace.js';
import { serverErrors } from '../errors/server.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { ACCEPT_ENCODING, ACCEPTED_ENCODINGS, ENCODING } from '../transport/grpc/compression.js';
import { LONG_BYTES, prefixOf, withPrefix, withPrefixes } from '../transport/grpc/length-prefix.js';
import type { Together } from '../transport/grpc/send-queue.js';
import type { ReceivedWireCall, WireHandler } from '../transport/transport.js';
import type { Connection } from './connection.js';
import { addToHeaders } from './headers.js';
import { NO_REPLY, trailerOf } from './refusal.js';

/** What the calls of a server share. */
export interface GrpcOptions {
  readonly handle: WireHandler;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The longest request message, compressed or not. */
  readonly maxRequestBytes: number;
  /** The requests that are decompressed at once. */
  readonly decompressions: ReturnType<typeof createSemaphore>;
}

/** A stream of HTTP/2 that begins a call. */
export interface OpenedStream {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly connection: Connection;
}

/** The header of a reply. */
const HEADER: Readonly<OutgoingHttpHeaders> = {
  ...NO_REPLY,
  [ACCEPT_ENCODING]: ACCEPTED_ENCODINGS,
  [ENCODING]: 'identity',
};
/** How a status alone is sent. */
const NO_BODY = { endStream: true, sendDate: false } as const;
const BEFORE_TRAILERS = { waitForTrailers: true, sendDate: false } as const;

/** How long a client may go on sending after it has been answered. Milliseconds. */
const LINGER_MS = 2_000;

/** The answer to a gRPC call, on its stream of HTTP/2: a header, messages, and a trailer with the status. */
export class Answer {
  readonly #stream: ServerHttp2Stream;
  readonly #clock: Clock;
  /** Whether it has a status. */
  #settled = false;

  constructor(stream: ServerHttp2Stream, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Whether its client still waits for its status. */
  get isOpen(): boolean {
    return !this.#settled && !this.#isGone;
  }

  /** Sends the header at once. Further ones are ignored. */
  respond(header: Metadata): void {
    if (!this.#isGone) this.#respond(header);
  }

  /** Sends messages, after the header. `taken` runs once the connection has taken them. */
  write({ messages, bytes }: Together, taken: () => void): void {
    if (this.#isGone) return;
    const [first] = messages;
    if (messages.length === 1 && first !== undefined) this.#write(first, taken);
    else this.#stream.write(withPrefixes(messages, bytes), taken);
  }

  /**
   * Ends an answer that succeeded, perhaps with its only message. Converts everything before it sends anything, so that a reply which
   * can't be sent still gets a status.
   *
   * @throws TypeError if the metadata can't be sent.
   */
  succeed(header: Metadata, trailer: Metadata, message?: Uint8Array): void {
    if (!this.isOpen) return;
    const last = addToHeaders({ 'grpc-status': Status.OK }, trailer);
    this.#respond(header);
    if (message !== undefined) this.#write(message);
    this.#end(last);
  }

  #respond(header: Metadata): void {
    if (this.#stream.headersSent) return;
    this.#stream.respond(header.isEmpty ? HEADER : addToHeaders({ ...HEADER }, header), BEFORE_TRAILERS);
  }

  #write(message: Uint8Array, taken?: () => void): void {
    const stream = this.#stream;
    if (message.length <= LONG_BYTES) {
      stream.write(withPrefix(message), taken);
      return;
    }
    // Both go to Node's session at once, which counts what its client leaves unread.
    stream.cork();
    stream.write(prefixOf(message.length));
    stream.write(message, taken);
    stream.uncork();
  }

  /** Ends the answer with a status. Earlier messages are sent. */
  fail(fault: unknown, path: string): void {
    if (this.#settled) return;
    if (this.#isGone) {
      this.#settled = true;
      return;
    }
    const stream = this.#stream;
    const last = trailerOf(fault, path);
    const header = fault instanceof RpcError ? fault.header : undefined;
    if (header !== undefined && header.size > 0) this.respond(header);
    if (stream.headersSent) {
      this.#end(last);
      return;
    }
    this.#settled = true;
    stream.respond({ ...NO_REPLY, ...last }, NO_BODY);
    // The rest of the request isn't read, and the stream would stay open until its client ends it. RFC 9113, section 8.1.
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  }

  /** Answers a request with headers alone. */
  refuse(headers: OutgoingHttpHeaders): void {
    this.#settled = true;
    this.#stream.on('error', ignore).resume().respond(headers, NO_BODY);
    this.#linger();
  }

  /** The stream has closed. */
  close(): void {
    this.#settled = true;
  }

  #end(last: OutgoingHttpHeaders): void {
    const stream = this.#stream;
    this.#settled = true;
    stream.once('wantTrailers', () => {
      stream.sendTrailers(last);
      if (!stream.readableEnded) this.#linger();
    });
    stream.end();
  }

  /**
   * Resets the stream of a client that doesn't end its request. nghttp2 drops the trailers of a stream that is being reset, so the client
   * first gets a moment.
   */
  #linger(): void {
    const stream = this.#stream;
    const timer = this.#clock.setTimer(LINGER_MS, () => stream.close(constants.NGHTTP2_NO_ERROR), { keepAlive: false });
    stream.once('close', () => timer.cancel());
  }

  get #isGone(): boolean {
    const stream = this.#stream;
    return stream.destroyed || stream.closed || stream.aborted;
  }
}

function ignore(): void {}

/** The error of a call whose reply can't be sent. */
export function sendFailure(
  fault: unknown,
  { path, metadata }: Pick<ReceivedWireCall, 'path' | 'metadata'>,
  logger: Logger,
): RpcError {
  if (fault instanceof RpcError) return fault;
  logger.error({ err: fault, method: path, traceId: receivedTraceId(metadata) }, 'the reply cannot be sent');
  return serverErrors.UNSENDABLE_REPLY();
}
