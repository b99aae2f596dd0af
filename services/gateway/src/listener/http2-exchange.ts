import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { constants, type ServerHttp2Stream, type IncomingHttpHeaders as WithPseudo } from 'node:http2';
import { Body } from './body.js';
import type { HttpExchange } from './exchange.js';
import { Output } from './output.js';
import { type Setup, splitTarget } from './setup.js';

const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_ENHANCE_YOUR_CALM } = constants;

const ABORT_CODES = {
  cancel: NGHTTP2_CANCEL,
  internal: NGHTTP2_INTERNAL_ERROR,
  enhance_your_calm: NGHTTP2_ENHANCE_YOUR_CALM,
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

export class Http2Exchange implements HttpExchange {
  readonly version = '2';
  readonly secure: boolean;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly authority: string;
  readonly remote: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  identity?: NonNullable<HttpExchange['identity']>;
  route?: string;
  readonly body: Body;
  readonly peerCaughtUp: () => Promise<void>;
  readonly answerHeaders: OutgoingHttpHeaders = {};
  status = 0;
  readonly #stream: ServerHttp2Stream;
  readonly #setup: Setup;
  readonly #output: Output;
  readonly #listeners: ((left: boolean) => void)[] = [];
  /** The head, until the first part of the body, or the trailers, go with it. */
  #head: OutgoingHttpHeaders | undefined;
  #trailers: OutgoingHttpHeaders | undefined;
  #responded = false;
  #ended = false;
  #aborted = false;
  #closed: { readonly left: boolean } | undefined;

  constructor({ stream, headers, rawHeaders, empty, connection }: Http2Request, setup: Setup) {
    const { deadlines, limits, unfinished, unread } = setup;
    this.#stream = stream;
    this.#setup = setup;
    this.secure = connection.secure;
    this.remote = connection.remote;
    this.peerCaughtUp = connection.caughtUp;
    this.method = headers[':method'] ?? '';
    ({ path: this.path, query: this.query } = splitTarget(headers[':path'] ?? ''));
    this.authority = headers[':authority'] ?? headers.host ?? '';
    this.headers = withoutPseudo(headers);
    this.rawHeaders = rawHeaders;
    this.body = new Body(stream, {
      deadlines,
      limits,
      clientOf: () => setup.clientOf(this),
      unfinished,
      empty,
      declared: headers['content-length'],
      begin: headers.expect === '100-continue' ? () => this.#proceed() : undefined,
      cut: () => this.#cut(),
    });
    this.#output = new Output(stream, {
      deadlines,
      share: (giveUp) => unread.of(setup.clientOf(this), giveUp),
      stallMs: limits.stallMs,
      stalled: () => stream.close(NGHTTP2_ENHANCE_YOUR_CALM),
    });
    const leave = () => this.#close(true);
    // A stream that has closed holds nothing by its listeners: see ADR 0038.
    stream.once('aborted', leave).once('close', () => {
      stream.off('aborted', leave);
      this.#close(!this.#ended || !stream.writableFinished);
    });
  }

  get responded(): boolean {
    return this.#responded;
  }

  respond(status: number, headers: OutgoingHttpHeaders): void {
    if (this.#responded) return;
    this.#responded = true;
    this.status = status;
    this.#head = { ':status': status, ...this.answerHeaders, ...headers };
    queueMicrotask(() => this.#flush());
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#ended || this.method === 'HEAD') return undefined;
    this.#flush();
    return this.#output.write(chunk);
  }

  end(chunk?: Uint8Array, trailers?: OutgoingHttpHeaders): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.method === 'HEAD' || (chunk === undefined && this.#head !== undefined)) {
      this.#flushAll({ ...this.#head, ...trailers });
      this.body.answered();
    } else {
      this.#trailers = trailers;
      this.#flush();
      this.#output.end(chunk);
    }
  }

  abort(reason: keyof typeof ABORT_CODES): void {
    this.#ended = true;
    this.#aborted = true;
    this.#stream.close(ABORT_CODES[reason]);
  }

  onClose(listener: (left: boolean) => void): void {
    if (this.#closed === undefined) this.#listeners.push(listener);
    else listener(this.#closed.left);
  }

  #proceed(): void {
    this.#attempt(() => this.#stream.additionalHeaders({ ':status': 100 }));
  }

  /**
   * Sends the head. Trailers, if there may be any, follow the body. Otherwise the last part of the body ends the stream: a
   * client of gRPC-Web that has read the end of the call stops sending, and nghttp2 resets the stream of a request that is
   * shorter than announced.
   */
  #flush(): void {
    const head = this.#head;
    if (head === undefined) return;
    this.#head = undefined;
    const waitForTrailers = !this.#ended || this.#trailers !== undefined;
    this.#attempt(() => {
      this.#stream.respond(head, { waitForTrailers });
      this.#stream.once(waitForTrailers ? 'wantTrailers' : 'finish', () => {
        if (waitForTrailers) this.#attempt(() => this.#stream.sendTrailers(this.#trailers ?? {}));
        this.body.answered();
      });
    });
  }

  /** An answer without a body is one frame. */
  #flushAll(head: OutgoingHttpHeaders): void {
    if (this.#head === undefined) return;
    this.#head = undefined;
    this.#attempt(() => this.#stream.respond(head, { endStream: true }));
  }

  /** Sends headers. Node throws if HTTP doesn't allow them, or if the client has left. */
  #attempt(send: () => void): void {
    if (this.#stream.destroyed || this.#stream.closed) return;
    try {
      send();
    } catch (error) {
      this.#setup.log.error({ err: error }, 'an answer has headers that HTTP does not allow');
      this.abort('internal');
    }
  }

  /**
   * Asks a client that still sends to stop. It first gets a moment to receive the trailers: nghttp2 drops those of a
   * stream that is being reset.
   *
   * Source: https://www.rfc-editor.org/rfc/rfc9113#section-8.1-7
   */
  #cut(): void {
    const stream = this.#stream;
    const { deadlines, limits } = this.#setup;
    const deadline = deadlines.set(limits.discardMs, () => stream.close(NGHTTP2_NO_ERROR));
    if (stream.destroyed) deadline.cancel();
    else stream.once('close', deadline.cancel);
  }

  #close(left: boolean): void {
    if (this.#closed !== undefined) return;
    this.#closed = { left: left && !this.#aborted };
    this.#output.close();
    this.body.release();
    for (const listener of this.#listeners.splice(0)) listener(this.#closed.left);
  }
}

const COLON = 58;

function withoutPseudo(headers: WithPseudo): IncomingHttpHeaders {
  const copy: IncomingHttpHeaders = Object.create(null);
  for (const name in headers) if (name.charCodeAt(0) !== COLON) copy[name] = headers[name];
  return copy;
}
