import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type Clock, type createSemaphore, type FairQueue, yieldToEventLoop } from '@rondo/base';
import type { Logger } from '../call/call.js';
import { isWellFormed, type Metadata, type MetadataValue, NOT_HANDLED } from '../call/metadata.js';
import { receivedTraceId } from '../call/trace.js';
import { serverErrors } from '../errors/server.js';
import { Status } from '../status/code.js';
import { encodeStatusDetails, STATUS_DETAILS } from '../status/detail.js';
import { RpcError } from '../status/rpc-error.js';
import { ACCEPT_ENCODING, ACCEPTED_ENCODINGS, ENCODING } from '../transport/grpc/compression.js';
import { LONG_BYTES, prefixOf, withPrefix, withPrefixes } from '../transport/grpc/length-prefix.js';
import type { Together } from '../transport/grpc/send-queue.js';
import { formatRetryPushback, RETRY_PUSHBACK } from '../transport/retry-metadata.js';
import { notHandledMark } from '../transport/router-error.js';
import type { ReceivedWireCall, WireHandler } from '../transport/transport.js';
import type { Connection } from './requests.js';

/** What the calls of a server share. */
export interface GrpcOptions {
  readonly handle: WireHandler;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The longest request message, compressed or not. */
  readonly maxRequestBytes: number;
  /** The requests that are decompressed at once. */
  readonly decompressions: ReturnType<typeof createSemaphore>;
  /** Ends the calls whose connections have closed: with thousands at once, other clients would wait for a second. */
  readonly ends: FairQueue;
}

/** A stream of HTTP/2 that begins a call. */
export interface OpenedStream {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly connection: Connection;
}

const NO_VALUES: readonly never[] = [];
/** Clients of HTTP send it; it is no metadata. */
const HIDDEN = 'accept-encoding';

/**
 * The values of the metadata under `key`. Entries that metadata can't have are left out.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export function valuesIn(headers: IncomingHttpHeaders, key: string): readonly MetadataValue[] {
  const value = headers[key];
  if (value === undefined || key === HIDDEN) return NO_VALUES;
  const texts = (typeof value === 'string' ? [value] : value).filter((text) => isWellFormed(key, text));
  if (!key.endsWith('-bin')) return texts;
  return texts.flatMap((text) => text.split(',').map((part) => Buffer.from(part.trim(), 'base64')));
}

/** Calls `visit` with each entry of the metadata in `headers`. */
export function forEachIn(headers: IncomingHttpHeaders, visit: (key: string, value: MetadataValue) => void): void {
  for (const key of Object.keys(headers)) {
    if (key.startsWith(':')) continue;
    for (const value of valuesIn(headers, key)) visit(key, value);
  }
}

/** The longest delay of Node's timers, 24.8 days, in seconds. */
const MAX_TIMEOUT_S = Math.floor((2 ** 31 - 1) / 1_000);
const TIMEOUT_TEXT = /^(\d{1,8})([HMSmun])$/;
const SECONDS: Readonly<Record<string, number>> = { H: 3_600, M: 60, S: 1, m: 1e-3, u: 1e-6, n: 1e-9 };

/** A `grpc-timeout` in milliseconds, at most as long as timers can be. Undefined for none, not a number if it is invalid. */
export function readTimeout(timeout: string | readonly string[] | undefined): number | undefined {
  if (timeout === undefined) return undefined;
  const [, amount, unit = ''] = TIMEOUT_TEXT.exec(String(timeout)) ?? [];
  return Math.min(Number(amount) * (SECONDS[unit] ?? 0), MAX_TIMEOUT_S) * 1_000;
}

/**
 * Adds the entries of `metadata` to `headers`. Bytes are written without the padding of base64, as gRPC asks of servers.
 *
 * @throws TypeError if an entry can't be sent. Node would throw in the middle of the reply, and nothing would catch that.
 */
export function addToHeaders(headers: OutgoingHttpHeaders, metadata: Metadata): OutgoingHttpHeaders {
  if (metadata.isEmpty) return headers;
  metadata.checkSendable();
  metadata.forEach((key, value) => {
    addHeader(headers, key, typeof value === 'string' ? value : toBase64(value));
  });
  return headers;
}

/** Adds a value under `key`, which may have others. The key may be the name of something that every object has, such as `constructor`. */
export function addHeader(headers: OutgoingHttpHeaders, key: string, text: string): void {
  const present = Object.hasOwn(headers, key) ? headers[key] : undefined;
  if (present === undefined) headers[key] = text;
  else if (Array.isArray(present)) present.push(text);
  else headers[key] = [String(present), text];
}

/** Base64 without padding. */
export function toBase64(bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return base64.endsWith('=') ? base64.replace(/=+$/, '') : base64;
}

const PLAIN = /^[\x20-\x24\x26-\x7e]*$/;

/** The UTF-8 of a text, percent-encoded except for printable ASCII: the value of `grpc-message`. */
function percentEncoded(text: string): string {
  if (PLAIN.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** The header of a status alone. */
export const NO_REPLY: Readonly<OutgoingHttpHeaders> = { ':status': 200, 'content-type': 'application/grpc+proto' };

/** The trailer of a call of the method at `path` that has failed. */
export function trailerOf(fault: unknown, path: string): OutgoingHttpHeaders {
  const error = fault instanceof RpcError ? fault : serverErrors.SERVER_FAILED({ cause: fault });
  const trailer = Object.assign(addToHeaders({}, error.metadata), statusTrailer(error));
  const mark = notHandledMark(error, path);
  if (mark !== undefined) trailer[NOT_HANDLED] = mark;
  return trailer;
}

/** The part of a trailer that says the status of a failed call, with its text and details. */
export function statusTrailer({
  code,
  message,
  details,
  retryPushbackMs,
}: Pick<RpcError, 'code' | 'message' | 'details' | 'retryPushbackMs'>): OutgoingHttpHeaders {
  const trailer: OutgoingHttpHeaders = { 'grpc-status': code };
  if (message !== '') trailer['grpc-message'] = percentEncoded(message);
  const packed = encodeStatusDetails({ code, message, details });
  if (packed !== undefined) trailer[STATUS_DETAILS] = toBase64(packed);
  if (retryPushbackMs !== undefined) trailer[RETRY_PUSHBACK] = formatRetryPushback(retryPushbackMs);
  return trailer;
}

/** The header of a reply. */
const HEADER: Readonly<OutgoingHttpHeaders> = {
  ...NO_REPLY,
  [ACCEPT_ENCODING]: ACCEPTED_ENCODINGS,
  [ENCODING]: 'identity',
};
/** How a status alone is sent. */
const NO_BODY = { endStream: true, sendDate: false } as const;
const BEFORE_BODY = { endStream: false, sendDate: false } as const;
const BEFORE_TRAILERS = { waitForTrailers: true, sendDate: false } as const;

/** The answer to a request that isn't served. */
export interface Refusal {
  readonly headers: OutgoingHttpHeaders;
  readonly text?: string;
}

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
    // Several may fail while Node reads, and resets of streams would corrupt its memory: https://github.com/nodejs/node/issues/64113
    if (!stream.readableEnded) void yieldToEventLoop().then(() => stream.close(constants.NGHTTP2_NO_ERROR));
  }

  /** Answers a request with a status alone, or with a text for people, if it isn't one of gRPC. */
  refuse({ headers, text }: Refusal): void {
    const stream = this.#stream;
    this.#settled = true;
    stream
      .on('error', ignore)
      .resume()
      .respond(headers, text === undefined ? NO_BODY : BEFORE_BODY);
    if (!stream.writableEnded) stream.end(text);
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
