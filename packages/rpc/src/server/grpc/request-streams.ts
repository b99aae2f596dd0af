import {
  constants,
  type Http2SecureServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type * as grpc from '@grpc/grpc-js';
import type { Clock } from '@rondo/base';
import type { Method } from '../../contract/method.js';
import { serverErrors } from '../../errors/server.js';
import type { RpcError } from '../../status/rpc-error.js';
import { Gathered } from '../../transport/grpc/gathered.js';
import { PREFIX_BYTES } from '../../transport/grpc/length-prefix.js';
import type { Connections } from './connections.js';
import { MAX_RECEIVE_MS, MAX_UNFINISHED } from './limits.js';
import { PingBarrier } from './ping-barrier.js';
import { NO_BODY, NO_REPLY, tooSlow, trailerOf } from './unary-refusal.js';

/** A request stream below grpc-js. */
export interface RequestStream {
  /** Whether the requests received so far end with a whole message. */
  readonly whole: boolean;
  /** Resolves when the peer has read everything sent so far, and everything that it sent before has been read here. */
  caughtUp(): Promise<void>;
}

/** The header by which a call is found again in the table of streams. */
export const STREAM_KEY = 'rondo-http2-stream';

/** The longest wait for a peer's answer to a ping. Milliseconds. */
const MAX_WAIT_MS = 1_000;

/** Options of {@link RequestStreams}. */
export interface RequestStreamsOptions {
  readonly clock: Clock;
  readonly connections: Connections;
  readonly maxRequestBytes: number;
}

/**
 * The HTTP/2 streams of calls that stream. grpc-js doesn't expose them. Each is therefore observed at the HTTP/2
 * server, and a stream of requests is found again by a key in its headers; see ADR 0038. Incomplete requests have
 * the same bounds as those of unary calls; see ADR 0033.
 */
export class RequestStreams {
  readonly #streams = new Map<string, RequestStream>();
  readonly #barriers = new WeakMap<Http2Session, PingBarrier>();
  readonly #methods: ReadonlyMap<unknown, Method>;
  readonly #clock: Clock;
  readonly #connections: Connections;
  readonly #maxRequestBytes: number;
  readonly #framings = new WeakMap<ServerHttp2Stream, MessageFraming>();
  #count = 0;

  constructor(methods: readonly Method[], { clock, connections, maxRequestBytes }: RequestStreamsOptions) {
    const streaming = methods.filter(({ requestStream, responseStream }) => requestStream || responseStream);
    this.#methods = new Map(streaming.map((method) => [method.path, method]));
    this.#clock = clock;
    this.#connections = connections;
    this.#maxRequestBytes = maxRequestBytes;
  }

  /** Observes the streams of a server, before grpc-js listens to it. */
  follow(http2Server: Http2Server | Http2SecureServer): void {
    http2Server.on('stream', this.#onStream);
  }

  /** The stream of the call that came with `metadata`. Removes its key from the metadata. */
  take(metadata: grpc.Metadata): RequestStream | undefined {
    const key = String(metadata.get(STREAM_KEY)[0]);
    metadata.remove(STREAM_KEY);
    const stream = this.#streams.get(key);
    this.#streams.delete(key);
    return stream;
  }

  readonly #onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    delete headers[STREAM_KEY];
    const method = this.#methods.get(headers[':path']);
    if (method === undefined) return;
    if (!method.requestStream) {
      this.#limit(stream, method);
      return;
    }
    this.#count += 1;
    const key = String(this.#count);
    headers[STREAM_KEY] = key;
    this.#streams.set(key, this.#follow(stream));
    stream.once('close', () => this.#streams.delete(key));
  };

  #follow(stream: ServerHttp2Stream): RequestStream {
    const framing = new MessageFraming(this.#maxRequestBytes);
    this.#framings.set(stream, framing);
    const barrier = this.#barrierOf(stream.session);
    return {
      get whole() {
        return framing.whole;
      },
      caughtUp: () => this.#within(barrier),
    };
  }

  /**
   * Gathers each request of a stream until it is complete, within bounds, and then hands it to grpc-js, which would
   * otherwise keep the chunks as they arrive. Node keeps unread chunks, too; it is asked for text, which is a copy.
   */
  gather(stream: ServerHttp2Stream, path: string): void {
    const { session } = stream;
    const readers = stream.listeners('data');
    // Node resets a stream that nothing has begun to read, once it is answered.
    if (session === undefined || readers.length === 0) return;
    const connection = this.#connections.of(session);
    const framing = this.#framings.get(stream) ?? new MessageFraming(this.#maxRequestBytes);
    const most = MAX_UNFINISHED * this.#maxRequestBytes;
    // grpc-js keeps the only request of a call until its client ends the stream.
    const keepsAll = this.#methods.get(path)?.requestStream === false;
    let passedBytes = 0;
    let held = 0;
    const hold = (bytes: number) => {
      const more = bytes - held;
      held = bytes;
      return connection.hold(more);
    };
    stream.removeAllListeners('data').setEncoding('latin1');
    stream.on('data', (text: string) => {
      if (stream.closed) return;
      const whole = framing.read(Buffer.from(text, 'latin1'));
      if (keepsAll) passedBytes += whole?.length ?? 0;
      if (!hold(passedBytes + framing.heldBytes))
        refuse(stream, path, serverErrors.TOO_MUCH_AT_ONCE({ most }, { handled: 'never' }));
      else if (whole !== undefined) for (const read of readers) Reflect.apply(read, stream, [whole]);
    });
    const release = () => hold(0);
    stream.once('end', release).once('close', release);
  }

  /** Bounds the time for the only request of a call to arrive. grpc-js reports the call only after that. */
  #limit(stream: ServerHttp2Stream, { path }: Method): void {
    const timer = this.#clock.setTimer(MAX_RECEIVE_MS, () => refuse(stream, path, tooSlow()), { keepAlive: false });
    const cancel = () => timer.cancel();
    stream.once('end', cancel).once('close', cancel);
  }

  #within(barrier: PingBarrier | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(MAX_WAIT_MS, resolve, { keepAlive: false });
      const done = () => {
        timer.cancel();
        resolve();
      };
      void Promise.resolve(barrier?.passed()).then(done);
    });
  }

  #barrierOf(session: Http2Session | undefined): PingBarrier | undefined {
    if (session === undefined) return undefined;
    const barrier = this.#barriers.get(session) ?? new PingBarrier(session);
    this.#barriers.set(session, barrier);
    return barrier;
  }
}

/** Ends a stream with a status, or without one if its reply has begun. */
function refuse(stream: ServerHttp2Stream, path: string, error: RpcError): void {
  if (stream.closed) return;
  if (stream.headersSent) {
    stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    return;
  }
  stream.respond({ ...NO_REPLY, ...trailerOf(error, path) }, NO_BODY);
  stream.close(constants.NGHTTP2_NO_ERROR);
}

/**
 * Tracks the message boundaries in the bytes of a stream, and gathers the bytes of a message until it is complete.
 * grpc-js drops an incomplete last message silently.
 */
export class MessageFraming {
  readonly #maxBytes: number;
  readonly #gathered = new Gathered();
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  #messageBytes = 0;
  /** How many bytes of the current message are still to come. */
  #missingBytes = 0;

  /** @param maxBytes the longest message. The bytes of a longer message aren't gathered, because grpc-js refuses it. */
  constructor(maxBytes = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes;
  }

  /** Whether the bytes read so far end with a whole message. */
  get whole(): boolean {
    return this.#prefixBytes === 0 && this.#missingBytes === 0;
  }

  /** The memory that a message takes which isn't whole. */
  get heldBytes(): number {
    return this.#gathered.heldBytes;
  }

  /** Reads the next bytes of the stream. Returns the messages that they complete. */
  read(chunk: Buffer): Buffer | undefined {
    for (let at = 0; at < chunk.length; ) at += this.#missingBytes > 0 ? this.#skip(chunk, at) : this.#begin(chunk, at);
    const read = this.#missingBytes > 0 ? PREFIX_BYTES + this.#messageBytes - this.#missingBytes : this.#prefixBytes;
    const end = this.#messageBytes > this.#maxBytes ? chunk.length : Math.max(0, chunk.length - read);
    if (end === chunk.length && this.#gathered.length === 0) return chunk;
    if (end > 0) this.#gathered.add(chunk.subarray(0, end));
    const messages = end > 0 ? this.#gathered.take() : undefined;
    this.#gathered.add(chunk.subarray(end));
    return messages;
  }

  #skip(chunk: Buffer, at: number): number {
    const bytes = Math.min(this.#missingBytes, chunk.length - at);
    this.#missingBytes -= bytes;
    return bytes;
  }

  #begin(chunk: Buffer, at: number): number {
    const bytes = chunk.copy(this.#prefix, this.#prefixBytes, at, at + PREFIX_BYTES - this.#prefixBytes);
    this.#prefixBytes += bytes;
    if (this.#prefixBytes === PREFIX_BYTES) {
      this.#messageBytes = this.#prefix.readUInt32BE(1);
      this.#missingBytes = this.#messageBytes;
      this.#prefixBytes = 0;
    }
    return bytes;
  }
}
