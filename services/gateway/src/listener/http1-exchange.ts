import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type Received, ServedExchange } from './served-exchange.js';
import type { Setup } from './setup.js';

/** Node writes a head and a body together only if both are text: a shorter body is cheaper as text, byte by byte. */
const JOINED_BYTES = 16 * 1024;

/** A request that Node has parsed. */
export interface Http1Request extends Pick<Received, 'target' | 'authority' | 'remote' | 'secure'> {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expects: boolean;
  /** Whether the connection isn't to be used for another request. */
  readonly last: boolean;
  /** Runs when a part of the body was read. */
  readonly wasRead: () => void;
}

export class Http1Exchange extends ServedExchange {
  readonly version = '1.1';
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #last: boolean;
  #isClosed = false;

  constructor({ request, response, expects, last, wasRead, ...received }: Http1Request, setup: Setup) {
    const { method = '', headers, rawHeaders } = request;
    const declared = headers['content-length'];
    const empty = headers['transfer-encoding'] === undefined && Number(declared ?? 0) === 0;
    const begin = expects ? () => response.writeContinue() : undefined;
    super(
      { ...received, method, headers, rawHeaders },
      { source: request, sink: response, empty, declared, begin, wasRead },
      setup,
    );
    this.#request = request;
    this.#response = response;
    this.#last = last;
    response.once('close', () => this.#close());
  }

  /** Whether the answer is whole, though perhaps not sent yet. */
  get ended(): boolean {
    return this.isEnded;
  }

  end(chunk?: Uint8Array): void {
    if (this.isEnded) return;
    this.isEnded = true;
    const whole = this.head !== undefined && chunk !== undefined && chunk.length <= JOINED_BYTES;
    this.flush(chunk?.length ?? 0);
    if (!this.#request.complete) this.#boundTheRest();
    this.output.end(whole ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1') : chunk);
  }

  /**
   * The connection is lost, or its client has broken HTTP. Returns true if an error can still be sent: the client
   * broke off this request, which has no answer yet.
   */
  lose(): boolean {
    const tellable = !this.responded && !this.#request.complete;
    this.#close();
    return tellable;
  }

  /** Sends the head, with the length of the body if that is known. */
  protected flush(length?: number): void {
    const { head, status } = this;
    if (head === undefined || this.#isClosed) return;
    this.head = undefined;
    const closes = this.#last || this.setup.leaving() || this.body.abandoned;
    const known = length === undefined || status === 204 || status === 304;
    const headers: OutgoingHttpHeaders = {
      ...(known ? {} : { 'content-length': length }),
      ...head,
      ...(closes ? { connection: 'close' } : {}),
    };
    this.attempt(() => this.#response.writeHead(status, headers));
  }

  protected reset(): void {
    this.#response.destroy();
  }

  protected stalled(): void {
    this.#response.destroy();
  }

  /** Ends the connection, which gives its client a moment to read the answer. */
  protected cut(): void {
    this.#request.socket.end();
  }

  /** Bounds what is read of a request after its answer. Node would read the whole rest, unless a part of the body has been read before. */
  #boundTheRest(): void {
    this.#request.read(0);
    this.body.discard();
    this.#response.once('finish', () => this.body.answered());
  }

  #close(): void {
    this.#isClosed = true;
    this.close(!this.#response.writableFinished);
  }
}
