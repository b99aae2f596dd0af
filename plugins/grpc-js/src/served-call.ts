import { Duplex, PassThrough } from 'node:stream';
import * as grpc from '@grpc/grpc-js';
import type { ServerCall } from '@rondo/rpc/call';
import { entriesOf, toFault, toGrpcJs } from './translate.js';

type Callback = grpc.sendUnaryData<unknown>;

/**
 * A call as handlers of grpc-js see it: its four types in one. The kind of the method decides whether the stream
 * can be read, written, or both. At most one reply is held besides the stream's own buffer.
 */
export class ServedCall extends Duplex {
  cancelled = false;
  readonly metadata: grpc.Metadata;
  /** The request; undefined if it is a stream. */
  readonly request: unknown;
  readonly #call: ServerCall;
  readonly #requests: AsyncIterator<unknown> | undefined;
  readonly #replies = new PassThrough({ objectMode: true, highWaterMark: 1 });
  /** Ends the call with an error. */
  #fail: (fault: unknown) => void = () => undefined;
  #fault: unknown;
  #trailer: grpc.Metadata | undefined;
  #ended = false;

  constructor(call: ServerCall) {
    const { requestStream: readable, responseStream: writable } = call.method;
    const options = { objectMode: true, readable, writable };
    super(options);
    this.#call = call;
    this.metadata = toGrpcJs(call.metadata);
    if (call.request.stream) this.#requests = call.request.messages[Symbol.asyncIterator]();
    else this.request = call.request.message;
    this.on('error', (fault) => this.#fail(fault));
    call.context.onEnd(() => this.#cancel());
  }

  getPeer(): string {
    return this.#call.peer;
  }

  getPath(): string {
    return this.#call.method.path;
  }

  getDeadline(): number {
    return this.#call.deadline?.getTime() ?? Number.POSITIVE_INFINITY;
  }

  /** @throws TypeError if an entry can't be sent. */
  sendMetadata(metadata: grpc.Metadata): void {
    for (const [key, value] of entriesOf(metadata)) this.#call.header.append(key, value);
    this.#call.sendHeader();
  }

  getHost(): never {
    throw unsupported('getHost', 'Rondo passes no :authority on');
  }

  getAuthContext(): never {
    throw unsupported('getAuthContext', 'middleware knows the caller by callerIdentity of @rondo/rpc/call');
  }

  getMetricsRecorder(): never {
    throw unsupported('getMetricsRecorder', 'a server of Rondo reports its load by itself');
  }

  /** Runs a handler with one reply. */
  reply(handle: grpc.UntypedHandleCall): Promise<unknown> {
    let answered = false;
    const outcome = new Promise((resolve, reject) => {
      this.#fail = (fault) => reject(toFault(fault));
      this.#run(handle, (...answer) => {
        if (answered) this.#call.log.warn({}, 'the handler has called back again, which has no effect');
        else resolve(this.#answer(...answer));
        answered = true;
      });
    });
    return outcome.finally(() => this.destroy());
  }

  /** Runs a handler with a stream of replies. An error ends the stream after what was written before it. */
  async *replies(handle: grpc.UntypedHandleCall): AsyncGenerator<unknown> {
    this.#fail = (fault) => {
      this.#setFault(fault);
      this.end();
    };
    try {
      this.#run(handle, () => undefined);
      yield* this.#replies;
      if (this.#fault !== undefined) throw toFault(this.#fault);
      if (!this.#ended) throw new Error(`${this.getPath()}: its handler destroyed the call instead of ending it`);
      this.#addTrailer(this.#trailer);
    } finally {
      if (!this.#ended) this.#cancel();
      this.destroy();
    }
  }

  /** With metadata, sets what is sent after the last reply. */
  override end(metadata?: unknown): this {
    if (metadata instanceof grpc.Metadata) this.#trailer = metadata;
    return super.end();
  }

  override _read(): void {
    const take = ({ done, value }: IteratorResult<unknown>) => void this.push(done === true ? null : value);
    this.#requests?.next().then(take, (fault) => {
      this.#fail(fault);
      this.#cancel();
    });
  }

  override _write(message: unknown, _encoding: string, onTaken: () => void): void {
    this.#replies.write(message, onTaken);
  }

  override _final(callback: () => void): void {
    this.#ended = true;
    this.#replies.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (error !== null) this.#setFault(error);
    this.#replies.end();
    callback(error);
  }

  /** grpc-js ignores what a handler returns; an asynchronous one may reject. */
  #run(handle: grpc.UntypedHandleCall, callback: Callback): void {
    const run = async () => handle(this, callback);
    run().catch((fault) => this.#fail(fault));
  }

  #setFault(fault: unknown): void {
    if (this.#ended) this.#call.log.warn({ err: fault }, 'the handler has failed after it had ended the call');
    else this.#fault ??= fault;
  }

  async #answer(...[error, reply, trailer]: Parameters<Callback>): Promise<unknown> {
    if (error) throw toFault(error, trailer);
    this.#addTrailer(trailer);
    return reply;
  }

  /** @throws TypeError if an entry can't be sent. */
  #addTrailer(metadata: grpc.Metadata | undefined): void {
    if (metadata !== undefined) for (const [key, value] of entriesOf(metadata)) this.#call.trailer.append(key, value);
  }

  #cancel(): void {
    if (this.cancelled || this.destroyed) return;
    this.cancelled = true;
    try {
      this.emit('cancelled', 'cancelled');
    } catch (error) {
      this.#call.log.error({ err: error }, 'a listener of "cancelled" failed');
    }
    this.destroy();
  }
}

function unsupported(name: string, why: string): TypeError {
  return new TypeError(`${name}() of a grpc-js call isn't supported: ${why}`);
}
