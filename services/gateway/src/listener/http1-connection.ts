import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Timer } from '@rondo/rpc/clock';
import { networkOf, remoteOf } from '@rondo/rpc/internal';
import type { Http1Exchange } from './http1-exchange.js';
import { type RefusalStatus, rawRefusal } from './refusal.js';
import type { Setup } from './setup.js';

/** A request that waits until the one before it on its connection has been answered. */
export interface Arrived {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expects: boolean;
}

export type Fault = readonly [status: RefusalStatus, message: string];

/** What ends the headers of a request, and the chunks of its body. */
const END_OF_HEADERS = '\r\n\r\n';
const TAIL_BYTES = END_OF_HEADERS.length - 1;
/** The parser gets no more at once: as many bytes may be thousands of chunks. */
const MOST_BYTES = 8 * 1024;
/** The unparsed bytes of a connection above which it isn't read. */
const MOST_HELD_BYTES = 16 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * A connection as Node's server of HTTP/1.1 gets it. Its requests are answered one after another, so that pipelining gives a client
 * no more than that.
 *
 * It gives Node's parser, in each turn of the client, the headers of one request, with what has come of its body if its length is
 * declared, or a part of a body of chunks. The parser gets nothing while a request waits for its answer. It would otherwise read
 * everything it gets, hundreds of requests in 64 KiB.
 */
export class Http1Connection extends Duplex {
  readonly secure: boolean;
  readonly remote: string;
  readonly #socket: Socket;
  readonly #setup: Setup;
  readonly #begin: (connection: Http1Connection, arrived: Arrived) => Http1Exchange;
  /** Whose turns its requests take. A proxy's connections are each a client: they are of many. */
  readonly #client: string;
  /** Whose turns the work takes that its client has sent ahead: others of its address don't wait for all of that. */
  readonly #ahead: string;
  #current: Http1Exchange | undefined;
  readonly #waiting: Arrived[] = [];
  /** The last request that was parsed. */
  #last: IncomingMessage | undefined;
  #rest = NOTHING;
  /** The end of what has been parsed: the end of the headers may begin there. */
  #tail = '';
  /** What hasn't been parsed of a body of declared length. */
  #bodyBytes = 0;
  /** Whether it is being parsed, or will be in a later turn. */
  #isInTurn = false;
  #hasEnded = false;
  #isRefused = false;
  #deadline: Timer | undefined;

  constructor(socket: Socket, begin: (connection: Http1Connection, arrived: Arrived) => Http1Exchange, setup: Setup) {
    super({ decodeStrings: false });
    const remote = remoteOf(socket);
    const client = setup.isProxy(remote) ? `${remote} ${socket.remotePort}` : networkOf(remote);
    this.secure = 'encrypted' in socket;
    this.remote = remote;
    this.#socket = socket;
    this.#setup = setup;
    this.#begin = begin;
    this.#client = client;
    this.#ahead = `${client} ahead`;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.once('end', () => {
      this.#hasEnded = true;
      this.goOn();
    });
    socket.once('close', () => this.destroy());
    // Node pauses it while the client is slow to read an answer.
    this.on('resume', this.goOn);
  }

  /** Whether no request is being answered. */
  get isIdle(): boolean {
    return this.#current === undefined && this.#waiting.length === 0;
  }

  /** Has a request answered, in a turn of its client, once those before it are. */
  queue(arrived: Arrived): void {
    this.#deadline?.cancel();
    this.#last = arrived.request;
    this.#bodyBytes = declaredBytes(arrived.request);
    this.#waiting.push(arrived);
    if (this.#current === undefined && this.#waiting.length === 1)
      this.#setup.queue.run(this.#client, () => this.#beginNext());
  }

  /** Refuses what isn't a request, and closes the connection. While the request before is being answered, it just closes. */
  refuse(fault: Fault): void {
    // Node reports each further byte as another error.
    if (this.#isRefused) return;
    this.#isRefused = true;
    if (this.writable && this.#current?.lose() !== false) this.end(rawRefusal(...fault));
    else this.destroy();
  }

  /** Has more of the connection parsed, unless a request waits or a body is full. */
  readonly goOn = (): void => {
    if (!this.#isInTurn) this.#parse();
  };

  /** What it has is pushed in turns. */
  override _read(): void {}

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done);
  }

  override _writev(chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], done: () => void): void {
    const last = chunks.pop();
    this.#socket.cork();
    for (const { chunk, encoding } of chunks) this.#socket.write(chunk, encoding);
    if (last !== undefined) this.#socket.write(last.chunk, last.encoding, done);
    this.#socket.uncork();
  }

  /** The client gets a moment to read the end: if it still sends and were cut off at once, the reset could overtake the answer. */
  override _final(done: () => void): void {
    this.#socket.end(done);
    this.#bound(this.#setup.limits.discardMs, () => this.destroy());
  }

  override _destroy(_error: Error | null, done: () => void): void {
    this.#socket.destroy();
    this.#deadline?.cancel();
    this.#waiting.length = 0;
    this.#current?.lose();
    done();
  }

  #bound(ms: number, expire: () => void): void {
    this.#deadline?.cancel();
    if (!this.destroyed) this.#deadline = this.#setup.expireAfter(ms, expire);
  }

  #beginNext(): void {
    const next = this.#waiting.shift();
    if (next !== undefined && !this.destroyed) {
      const exchange = this.#begin(this, next);
      this.#current = exchange;
      exchange.onClose(() => this.#endCurrent());
    }
    this.goOn();
  }

  #endCurrent(): void {
    this.#current = undefined;
    if (this.#waiting.length > 0) this.#setup.queue.run(this.#ahead, () => this.#beginNext(), { deferred: true });
    else if (!this.writableEnded) this.#bound(this.#setup.limits.keepAliveMs, () => this.destroy());
  }

  #take(chunk: Buffer): void {
    if (this.#rest.length >= MOST_HELD_BYTES) {
      this.#socket.pause().unshift(chunk);
      return;
    }
    const waits = this.#rest.length > 0;
    this.#rest = waits ? Buffer.concat([this.#rest, chunk]) : chunk;
    if (!waits) this.goOn();
    if (this.#rest.length >= MOST_HELD_BYTES) this.#socket.pause();
  }

  #parse(): void {
    this.#isInTurn = false;
    if (this.destroyed) return;
    if (this.#rest.length === 0 && this.#hasEnded) this.#finish();
    if (!this.#isReady) return;
    this.#isInTurn = true;
    do this.#parsePart();
    while (this.#bodyBytes > 0 && this.#isReady);
    this.#isInTurn = this.#rest.length > 0 && this.#bodyBytes === 0;
    if (this.#isInTurn) this.#setup.queue.run(this.#ahead, () => this.#parse(), { deferred: true });
    else if (this.#rest.length === 0 && this.#hasEnded) this.#finish();
    else if (this.#rest.length === 0) this.#socket.resume();
  }

  get #isReady(): boolean {
    if (this.#rest.length === 0 || this.#waiting.length > 0 || this.#isRefused) return false;
    if (this.readableLength > 0 || this.isPaused()) return false;
    return this.#bodyBytes > 0 ? this.#last?.readableLength === 0 : !isFull(this.#last);
  }

  #parsePart(): void {
    const rest = this.#rest;
    const bytes = this.#bodyBytes > 0 ? this.#bodyBytes : lengthOfPart(this.#tail, rest);
    const part = rest.subarray(0, Math.min(bytes, MOST_BYTES));
    this.#rest = rest.subarray(part.length);
    this.#tail = (this.#tail + part.toString('latin1', Math.max(0, part.length - TAIL_BYTES))).slice(-TAIL_BYTES);
    this.#bodyBytes = Math.max(0, this.#bodyBytes - part.length);
    this.push(part);
  }

  /** All is parsed that came before the client ended its side. In the middle of a stream, it has left, and else if no answer comes in time. */
  #finish(): void {
    this.#hasEnded = false;
    this.push(null);
    if (this.writableEnded) return;
    const leave = () => this.#current?.ended || this.destroy();
    if (this.#current?.responded || this.#current?.leavesByEnding) leave();
    this.#bound(this.#setup.limits.keepAliveMs, leave);
  }
}

function lengthOfPart(tail: string, rest: Buffer): number {
  const begun = (tail + rest.toString('latin1', 0, TAIL_BYTES)).indexOf(END_OF_HEADERS);
  if (begun >= 0) return begun + END_OF_HEADERS.length - tail.length;
  const headers = rest.indexOf(END_OF_HEADERS);
  return headers < 0 ? rest.length : headers + END_OF_HEADERS.length;
}

function declaredBytes({ headers }: IncomingMessage): number {
  const { 'transfer-encoding': encoding, 'content-length': length = '0' } = headers;
  return encoding === undefined ? Number(length) : 0;
}

/** Whether a request's body waits to be read. */
const isFull = (request: IncomingMessage | undefined) =>
  request !== undefined && !request.complete && request.readableLength >= request.readableHighWaterMark;
