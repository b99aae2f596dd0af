import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { constants, type ServerHttp2Stream, type IncomingHttpHeaders as WithPseudo } from 'node:http2';
import { ServedExchange } from './served-exchange.js';
import type { Setup } from './setup.js';

const ABORT_CODES = {
  cancel: constants.NGHTTP2_CANCEL,
  internal: constants.NGHTTP2_INTERNAL_ERROR,
  enhance_your_calm: constants.NGHTTP2_ENHANCE_YOUR_CALM,
} as const;

/** What the requests of one HTTP/2 connection share. */
export interface Http2Connection {
  readonly secure: boolean;
  readonly remote: string;
  /** Resolves when the client has answered two pings, or after a second. */
  readonly caughtUp: () => Promise<void>;
}

/** A request as Node reports it. */
export interface Http2Request {
  readonly stream: ServerHttp2Stream;
  readonly headers: WithPseudo;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  /** Whether the request has no body. */
  readonly empty: boolean;
  readonly connection: Http2Connection;
}

export class Http2Exchange extends ServedExchange {
  readonly version = '2';
  readonly peerCaughtUp: () => Promise<void>;
  readonly #stream: ServerHttp2Stream;
  #trailers: OutgoingHttpHeaders | undefined;

  constructor({ stream, headers, rawHeaders, empty, connection }: Http2Request, setup: Setup) {
    const { secure, remote, caughtUp } = connection;
    const { ':method': method = '', ':path': target = '', 'content-length': declared } = headers;
    const authority = headers[':authority'] ?? headers.host ?? '';
    const begin = headers.expect === '100-continue' ? () => this.#proceed() : undefined;
    super(
      { secure, remote, method, target, authority, headers: withoutPseudo(headers), rawHeaders },
      { source: stream, sink: stream, empty, declared, begin },
      setup,
    );
    this.#stream = stream;
    this.peerCaughtUp = caughtUp;
    const leave = () => this.close(true);
    // A stream that has closed holds nothing by its listeners: see ADR 0038.
    stream.once('aborted', leave).once('close', () => {
      stream.off('aborted', leave);
      this.close(!this.isEnded || !stream.writableFinished);
    });
  }

  end(chunk?: Uint8Array, trailers?: OutgoingHttpHeaders): void {
    if (this.isEnded) return;
    this.isEnded = true;
    const { head } = this;
    if (head !== undefined && (this.method === 'HEAD' || chunk === undefined)) {
      // An answer without a body is one frame.
      this.head = undefined;
      this.#send(() => this.#stream.respond({ ':status': this.status, ...head, ...trailers }, { endStream: true }));
      this.body.answered();
    } else if (this.method === 'HEAD') this.body.answered();
    else {
      this.#trailers = trailers;
      this.flush();
      this.output.end(chunk);
    }
  }

  /**
   * Sends the head. Trailers, if there may be any, follow the body. Otherwise the last part of the body ends the stream: a
   * client of gRPC-Web that has read the end of the call stops sending, and nghttp2 resets the stream of a request that is
   * shorter than announced.
   */
  protected flush(): void {
    const { head } = this;
    if (head === undefined) return;
    this.head = undefined;
    const waitForTrailers = !this.isEnded || this.#trailers !== undefined;
    this.#send(() => {
      this.#stream.respond({ ':status': this.status, ...head }, { waitForTrailers });
      this.#stream.once(waitForTrailers ? 'wantTrailers' : 'finish', () => {
        if (waitForTrailers) this.#send(() => this.#stream.sendTrailers(this.#trailers ?? {}));
        this.body.answered();
      });
    });
  }

  protected reset(reason: keyof typeof ABORT_CODES): void {
    this.#stream.close(ABORT_CODES[reason]);
  }

  protected stalled(): void {
    this.reset('enhance_your_calm');
  }

  /**
   * Asks a client that still sends to stop. It first gets a moment to receive the trailers: nghttp2 drops those of a
   * stream that is being reset.
   *
   * Source: https://www.rfc-editor.org/rfc/rfc9113#section-8.1-7
   */
  protected cut(): void {
    const stream = this.#stream;
    const { expireAfter, limits } = this.setup;
    const deadline = expireAfter(limits.discardMs, () => stream.close(constants.NGHTTP2_NO_ERROR));
    if (stream.destroyed) deadline.cancel();
    else stream.once('close', deadline.cancel);
  }

  #proceed(): void {
    this.#send(() => this.#stream.additionalHeaders({ ':status': 100 }));
  }

  #send(send: () => void): void {
    if (!this.#stream.destroyed && !this.#stream.closed) this.attempt(send);
  }
}

const COLON = 58;

function withoutPseudo(headers: WithPseudo): IncomingHttpHeaders {
  const copy: IncomingHttpHeaders = Object.create(null);
  for (const name in headers) if (name.charCodeAt(0) !== COLON) copy[name] = headers[name];
  return copy;
}
