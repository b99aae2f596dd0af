import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { remoteOf } from '@rondo/rpc/internal';
import { Body } from './body.js';
import type { HttpExchange } from './exchange.js';
import { Output } from './output.js';
import { type Setup, splitTarget } from './setup.js';

/** Node writes a head and a body together only if both are text: a shorter body is cheaper as text, byte by byte. */
const JOINED_BYTES = 16 * 1024;

interface Head {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
}

/** A request that Node has parsed. */
export interface Http1Request {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expects: boolean;
  /** The request target and the authority, after the check of the request line. */
  readonly target: string;
  readonly authority: string;
  /** Whether the connection isn't to be used for another request. */
  readonly last: boolean;
  /** Runs when a part of the body was read. */
  readonly wasRead: () => void;
}

export class Http1Exchange implements HttpExchange {
  readonly version = '1.1';
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
  readonly answerHeaders: OutgoingHttpHeaders = {};
  status = 0;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  readonly #setup: Setup;
  readonly #output: Output;
  readonly #last: boolean;
  readonly #listeners: ((left: boolean) => void)[] = [];
  /** The head, until the first part of the body goes with it. */
  #head: Head | undefined;
  #responded = false;
  #ended = false;
  #aborted = false;
  #closed: { readonly left: boolean } | undefined;

  constructor({ request, response, expects, target, authority, last, wasRead }: Http1Request, setup: Setup) {
    const { deadlines, limits, unfinished, unread } = setup;
    this.#request = request;
    this.#response = response;
    this.#socket = request.socket;
    this.#setup = setup;
    this.#last = last;
    this.secure = 'encrypted' in request.socket;
    this.method = request.method ?? '';
    ({ path: this.path, query: this.query } = splitTarget(target));
    this.authority = authority;
    this.remote = remoteOf(request.socket);
    this.headers = request.headers;
    this.rawHeaders = request.rawHeaders;
    const declared = request.headers['content-length'];
    const chunked = request.headers['transfer-encoding'] !== undefined;
    this.body = new Body(request, {
      deadlines,
      limits,
      clientOf: () => setup.clientOf(this),
      unfinished,
      empty: !chunked && Number(declared ?? 0) === 0,
      declared,
      begin: expects ? () => response.writeContinue() : undefined,
      wasRead,
      cut: () => this.#linger(),
    });
    this.#output = new Output(response, {
      deadlines,
      share: (giveUp) => unread.of(setup.clientOf(this), giveUp),
      stallMs: limits.stallMs,
      stalled: () => this.#socket.destroy(),
    });
    response.once('close', () => this.#close());
  }

  get responded(): boolean {
    return this.#responded;
  }

  /** Whether the answer is whole, though perhaps not sent yet. */
  get ended(): boolean {
    return this.#ended;
  }

  respond(status: number, headers: OutgoingHttpHeaders): void {
    if (this.#responded) return;
    this.#responded = true;
    this.status = status;
    this.#head = { status, headers: { ...this.answerHeaders, ...headers } };
    queueMicrotask(() => this.#flush());
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#ended) return undefined;
    this.#flush();
    return this.#output.write(chunk);
  }

  end(chunk?: Uint8Array): void {
    if (this.#ended) return;
    this.#ended = true;
    const whole = this.#head !== undefined && chunk !== undefined && chunk.length <= JOINED_BYTES;
    this.#flush(chunk?.length ?? 0);
    if (!this.#request.complete) this.#boundTheRest();
    this.#output.end(whole ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1') : chunk);
  }

  abort(): void {
    this.#ended = true;
    this.#aborted = true;
    this.#socket.destroy();
  }

  onClose(listener: (left: boolean) => void): void {
    if (this.#closed === undefined) this.#listeners.push(listener);
    else listener(this.#closed.left);
  }

  /**
   * The connection is lost, or its client has broken HTTP. Returns true if an error can still be sent: the client
   * broke off this request, which has no answer yet.
   */
  lose(): boolean {
    const tellable = !this.#responded && !this.#request.complete;
    this.#close();
    return tellable;
  }

  /** Sends the head, with the length of the body if that is known. */
  #flush(length?: number): void {
    const head = this.#head;
    if (head === undefined || this.#closed !== undefined) return;
    this.#head = undefined;
    const closes = this.#last || this.#setup.leaving() || this.body.abandoned;
    const known = length === undefined || head.status === 204 || head.status === 304;
    try {
      this.#response.writeHead(head.status, {
        ...(known ? {} : { 'content-length': length }),
        ...head.headers,
        ...(closes ? { connection: 'close' } : {}),
      });
    } catch (error) {
      this.#setup.log.error({ err: error }, 'an answer has headers that HTTP does not allow');
      this.abort();
    }
  }

  /**
   * Bounds what is read of a request after its answer. Node would read the whole rest, unless a part of the body has been
   * read before. After the last answer of a connection Node closes it by `destroySoon`, also if the client still sends.
   */
  #boundTheRest(): void {
    const socket = this.#socket;
    this.#request.read(0);
    this.body.discard();
    this.#response.once('finish', () => this.body.answered());
    socket.destroySoon = () => {
      Reflect.deleteProperty(socket, 'destroySoon');
      if (this.#request.complete) socket.destroySoon();
      else this.#linger();
    };
  }

  /**
   * Closes the connection of a client that still sends. It gets a moment to read the answer: if it were cut off at once,
   * the reset could overtake the answer.
   */
  #linger(): void {
    const socket = this.#socket;
    socket.end();
    const deadline = this.#setup.deadlines.set(this.#setup.limits.discardMs, () => socket.destroy());
    socket.once('close', deadline.cancel);
  }

  #close(): void {
    if (this.#closed !== undefined) return;
    this.#output.close();
    this.body.release();
    this.#closed = { left: !this.#aborted && !this.#response.writableFinished };
    for (const listener of this.#listeners.splice(0)) listener(this.#closed.left);
  }
}
