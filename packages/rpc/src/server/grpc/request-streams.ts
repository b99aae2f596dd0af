import type { Http2SecureServer, Http2Server, Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type * as grpc from '@grpc/grpc-js';
import type { Clock } from '../../clock/clock.js';
import type { Method } from '../../contract/method.js';
import { PREFIX_BYTES } from '../../transport/grpc/length-prefix.js';
import { PingBarrier } from './ping-barrier.js';

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

/**
 * The HTTP/2 streams of calls that stream requests. grpc-js doesn't expose them, so each is observed from the HTTP/2
 * server on, and found again by a key in its headers. See ADR 0038.
 */
export class RequestStreams {
  readonly #streams = new Map<string, RequestStream>();
  readonly #barriers = new WeakMap<Http2Session, PingBarrier>();
  readonly #paths: ReadonlySet<string>;
  readonly #clock: Clock;
  #count = 0;

  constructor(methods: readonly Method[], clock: Clock) {
    this.#paths = new Set(methods.filter(({ requestStream }) => requestStream).map(({ path }) => path));
    this.#clock = clock;
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
    if (!this.#paths.has(String(headers[':path']))) return;
    this.#count += 1;
    const key = String(this.#count);
    headers[STREAM_KEY] = key;
    this.#streams.set(key, this.#follow(stream));
    stream.once('close', () => this.#streams.delete(key));
  };

  #follow(stream: ServerHttp2Stream): RequestStream {
    const framing = new MessageFraming();
    stream.on('data', (chunk: Buffer) => framing.read(chunk));
    const barrier = this.#barrierOf(stream.session);
    return {
      get whole() {
        return framing.whole;
      },
      caughtUp: () => this.#within(barrier),
    };
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

/** Tracks the message boundaries in the bytes of a stream. grpc-js drops an incomplete last message silently. */
export class MessageFraming {
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  /** How many bytes of the current message are still to come. */
  #missingBytes = 0;

  /** Whether the bytes read so far end with a whole message. */
  get whole(): boolean {
    return this.#prefixBytes === 0 && this.#missingBytes === 0;
  }

  /** Reads the next bytes of the stream. */
  read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) at += this.#missingBytes > 0 ? this.#skip(chunk, at) : this.#begin(chunk, at);
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
      this.#missingBytes = this.#prefix.readUInt32BE(1);
      this.#prefixBytes = 0;
    }
    return bytes;
  }
}
