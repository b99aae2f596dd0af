import type { Http2Server, Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type * as grpc from '@grpc/grpc-js';
import type { Clock } from '../../clock/index.js';
import type { Method } from '../../contract/index.js';
import { MessageFraming } from './message-framing.js';
import { PingBarrier } from './ping-barrier.js';

/** What is known of a request stream below grpc-js. */
export interface RequestStream {
  /** Whether the requests received so far end with a whole message. */
  readonly whole: boolean;
  /** Resolves when the peer has read what was sent so far, and what it sent before that has been read here. */
  caughtUp(): Promise<void>;
}

/** Under this key grpc-js hands a call's place in the table from the HTTP/2 stream to the call. */
const KEY = 'rondo-http2-stream';

/** A peer that answers no ping within this time holds up nothing further. Milliseconds. */
const MAX_WAIT_MS = 1_000;

/**
 * The HTTP/2 streams of a server's calls that stream requests. grpc-js doesn't show them: each is followed from the HTTP/2
 * server on, and found again by a key that travels in its headers. See ADR 0038.
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

  /** Follows the streams of a server that grpc-js doesn't listen to yet. */
  follow(http2Server: Http2Server): void {
    http2Server.on('stream', this.#onStream);
  }

  /** The stream of the call that came with `metadata`, which is left without what leads here. */
  take(metadata: grpc.Metadata): RequestStream | undefined {
    const key = String(metadata.get(KEY)[0]);
    metadata.remove(KEY);
    const stream = this.#streams.get(key);
    this.#streams.delete(key);
    return stream;
  }

  readonly #onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    delete headers[KEY];
    if (!this.#paths.has(String(headers[':path']))) return;
    this.#count += 1;
    const key = String(this.#count);
    headers[KEY] = key;
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
