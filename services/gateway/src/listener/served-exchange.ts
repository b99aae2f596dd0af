import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { Body } from './body.js';
import type { HttpExchange } from './exchange.js';
import { Output } from './output.js';
import type { Setup } from './setup.js';

/** A request, as far as its headers tell. */
export interface Received extends Pick<HttpExchange, 'secure' | 'method' | 'authority' | 'remote' | 'rawHeaders'> {
  /** The request target: the path and the query. */
  readonly target: string;
  /** Without pseudo headers. */
  readonly headers: IncomingHttpHeaders;
}

/** How the body and the answer of a request are carried. */
interface Carrier {
  readonly source: Readable;
  readonly sink: Writable;
  /** Whether the request has no body. */
  readonly empty: boolean;
  /** Its `content-length`. */
  readonly declared: string | undefined;
  /** Runs before the first byte of the body is read: the client may be waiting for `100 Continue`. */
  readonly begin: (() => void) | undefined;
  /** Runs when a part of the body was read. */
  readonly wasRead?: () => void;
}

/** What exchanges over HTTP/1.1 and HTTP/2 have in common. */
export abstract class ServedExchange implements HttpExchange {
  abstract readonly version: HttpExchange['version'];
  readonly secure: boolean;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly authority: string;
  readonly remote: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  identity?: NonNullable<HttpExchange['identity']>;
  resourceMetadata?: string;
  leavesByEnding?: boolean;
  route?: string;
  readonly body: Body;
  readonly answerHeaders: OutgoingHttpHeaders = {};
  status = 0;
  /** The headers of the answer, until the first part of its body, or the trailers, go with them. */
  protected head: OutgoingHttpHeaders | undefined;
  /** Whether the answer is whole, though perhaps not sent yet. */
  protected isEnded = false;
  protected isAborted = false;
  protected readonly setup: Setup;
  protected readonly output: Output;
  readonly #listeners: ((left: boolean) => void)[] = [];
  #closed: { readonly left: boolean } | undefined;

  constructor({ target, ...received }: Received, { source, sink, ...carried }: Carrier, setup: Setup) {
    const at = target.indexOf('?');
    this.secure = received.secure;
    this.method = received.method;
    this.path = at < 0 ? target : target.slice(0, at);
    this.query = at < 0 ? '' : target.slice(at + 1);
    this.authority = received.authority;
    this.remote = received.remote;
    this.headers = received.headers;
    this.rawHeaders = received.rawHeaders;
    this.setup = setup;
    const clientOf = () => setup.clientOf(this);
    this.body = new Body(source, { ...carried, clientOf, cut: () => this.cut() }, setup);
    this.output = new Output(sink, { clientOf, stalled: () => this.stalled() }, setup);
  }

  get responded(): boolean {
    return this.status !== 0;
  }

  respond(status: number, headers: OutgoingHttpHeaders): void {
    if (this.responded) return;
    this.status = status;
    this.head = { ...this.answerHeaders, ...headers };
    queueMicrotask(() => this.flush());
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.isEnded || this.method === 'HEAD') return undefined;
    this.flush();
    return this.output.write(chunk);
  }

  abstract end(chunk?: Uint8Array, trailers?: OutgoingHttpHeaders): void;

  abort(reason: Parameters<HttpExchange['abort']>[0]): void {
    this.isEnded = true;
    this.isAborted = true;
    this.reset(reason);
  }

  onClose(listener: (left: boolean) => void): void {
    if (this.#closed === undefined) this.#listeners.push(listener);
    else listener(this.#closed.left);
  }

  /** Sends the headers of the answer, unless they are sent. */
  protected abstract flush(): void;
  protected abstract reset(reason: Parameters<HttpExchange['abort']>[0]): void;
  /** Runs once the answer has ended and the client still sends more than is read and forgotten. */
  protected abstract cut(): void;
  /** Runs if the client doesn't read its answer. */
  protected abstract stalled(): void;

  /** Sends headers. Node throws if HTTP doesn't allow them, or if the client has left. */
  protected attempt(send: () => void): void {
    try {
      send();
    } catch (error) {
      this.setup.log.error({ err: error }, 'an answer has headers that HTTP does not allow');
      this.abort('internal');
    }
  }

  /** The exchange is over. `left`: its client went away before the end of the answer. */
  protected close(left: boolean): void {
    if (this.#closed !== undefined) return;
    this.#closed = { left: left && !this.isAborted };
    this.output.close();
    this.body.release();
    for (const listener of this.#listeners.splice(0)) listener(this.#closed.left);
  }
}
