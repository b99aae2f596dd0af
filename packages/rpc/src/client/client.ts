import type { Call, CallLimit, Metadata, MetadataInit, Payload } from '../call/index.js';
import { type Clocks, dateOf } from '../clock/index.js';
import type {
  Compression,
  Method,
  MethodDefinition,
  RequestInit,
  ResponseOf,
  ServiceDefinition,
} from '../contract/index.js';
import type { Attempt, RpcError } from '../status/index.js';

/** What a caller may say of one call. */
export interface CallOptions {
  /**
   * At the latest this long from now, in milliseconds; `Infinity` for as long as the other limits allow. Those are the
   * contract's timeout and, in a handler, the end of the call that it serves. A unary call whose contract has no timeout
   * has 10 s unless `timeoutMs` or `deadline` gives it less or more; a stream has no limit.
   */
  readonly timeoutMs?: number;
  /** At the latest then, by the machine's wall clock as it is when the call begins: what is left is measured. */
  readonly deadline?: Date;
  /** Cancels the call when it aborts. */
  readonly signal?: AbortSignal;
  readonly metadata?: MetadataInit;
  /**
   * How the request is compressed: before what the contract says, and what the channel is configured with. Compressed
   * requests have a connection of their own, which is made for the first of them, unless the channel compresses all.
   */
  readonly compression?: Compression;
  /** Goes there or nowhere: the name of the one instance that is asked, and asked once. */
  readonly instance?: string | undefined;
  /**
   * How long a stream whose contract says how it is resumed is taken up again after it broke, in milliseconds from the
   * last message on: 60,000 by default, `Infinity` for as long as it takes. 0 leaves each break to the reader.
   */
  readonly resumeForMs?: number;
  /** Sees each failure after which such a stream is tried again. */
  readonly onBreak?: (error: RpcError) => void;
  /** Sees the response's header metadata, before the first message. */
  readonly onHeader?: (header: Metadata) => void;
  /** Sees the response's trailing metadata, after the last message. */
  readonly onTrailer?: (trailer: Metadata) => void;
}

/** One method as its caller sees it: one message is a promise, many are an async iterable. */
export type ClientMethod<M extends MethodDefinition> = M['requestStream'] extends true
  ? M['responseStream'] extends true
    ? (requests: AsyncIterable<RequestInit<M>>, options?: CallOptions) => AsyncIterable<ResponseOf<M>>
    : (requests: AsyncIterable<RequestInit<M>>, options?: CallOptions) => Promise<ResponseOf<M>>
  : M['responseStream'] extends true
    ? (request: RequestInit<M>, options?: CallOptions) => AsyncIterable<ResponseOf<M>>
    : (request: RequestInit<M>, options?: CallOptions) => Promise<ResponseOf<M>>;

/**
 * A service as its caller sees it. Every failure is an `RpcError`.
 *
 * A stream of replies whose contract says how it is resumed, `(rondo.options.v1.method).resume`, goes on by itself where
 * it breaks: by a lost connection, `UNAVAILABLE`, or `ABORTED`, as who is too slow is told. It is called again, at
 * another instance where another takes it, with the token of the last message that its reader has taken: none is lost,
 * none comes twice. Messages without a token are the exception: those since the last token come again, so that a
 * snapshot in parts begins anew, and replaces what was read of it. Tries are spaced out, and end `resumeForMs` after the
 * last message with why the last one failed; `onBreak` sees each. A stream that was never answered fails like any call.
 */
export type Client<D extends ServiceDefinition> = { readonly [K in keyof D['methods']]: ClientMethod<D['methods'][K]> };

/** A call as its caller's side sees it. */
export interface ClientCall extends Call {
  /** When it began, by the channel's clock. */
  readonly startedAt: number;
  /** What its caller said of it. */
  readonly options: CallOptions;
  /** Where it was tried so far; the channel fills it. */
  readonly attempts: Attempt[];
}

/** A call as it begins; its deadline and signal are made where they are read, and go along where a call is made by `{ ...call }`. */
export class OutgoingCall implements ClientCall {
  readonly method: Method;
  readonly metadata: Metadata;
  readonly limit: CallLimit;
  readonly request: Payload;
  readonly traceId: string;
  readonly startedAt: number;
  readonly options: CallOptions;
  readonly attempts: Attempt[] = [];
  readonly #clocks: Clocks;
  declare readonly deadline: Date | undefined;
  declare readonly signal: AbortSignal;

  constructor(call: Omit<ClientCall, 'deadline' | 'signal' | 'attempts'>, clocks: Clocks) {
    this.method = call.method;
    this.metadata = call.metadata;
    this.limit = call.limit;
    this.request = call.request;
    this.traceId = call.traceId;
    this.startedAt = call.startedAt;
    this.options = call.options;
    this.#clocks = clocks;
    Object.defineProperty(this, 'deadline', OutgoingCall.#deadline);
    Object.defineProperty(this, 'signal', OutgoingCall.#signal);
  }

  static readonly #deadline: PropertyDescriptor = {
    enumerable: true,
    get(this: OutgoingCall): Date | undefined {
      return this.limit.endsAt === undefined ? undefined : dateOf(this.limit.endsAt, this.#clocks);
    },
  };

  static readonly #signal: PropertyDescriptor = {
    enumerable: true,
    get(this: OutgoingCall): AbortSignal {
      return this.limit.signal;
    },
  };
}
