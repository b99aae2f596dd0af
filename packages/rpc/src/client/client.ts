import { type Clocks, dateOf } from '@rondo/base';
import type { Call, Payload } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import type { CallTiming } from '../call/call-timer.js';
import type { Metadata, MetadataInit } from '../call/metadata.js';
import type { Principal } from '../call/principal.js';
import type { MethodDefinition, RequestInit, ResponseOf, ServiceDefinition } from '../contract/definition.js';
import type { Method } from '../contract/method.js';
import type { Compression } from '../contract/policy.js';
import type { Attempt, RpcError } from '../status/rpc-error.js';

/** Options of one call. */
export interface CallOptions {
  /**
   * The time that the call may take from now on, in milliseconds. `Infinity` sets no limit. The contract's timeout and, in
   * a handler, the deadline of the call that it serves always apply too.
   *
   * Default: 10 s for a unary call whose contract has no timeout; no limit for a stream.
   */
  readonly timeoutMs?: number;
  /**
   * Absolute deadline, by the machine's wall clock. The client reads that clock once, when the call begins, and measures
   * the time left from then on, so a later change of the clock doesn't matter.
   */
  readonly deadline?: Date;
  /** Cancels the call when it aborts. */
  readonly signal?: AbortSignal;
  readonly metadata?: MetadataInit;
  /**
   * The compression of the request. It takes precedence over the contract and the channel's configuration.
   *
   * Compressed requests use a connection of their own, made for the first of them, unless the channel compresses all.
   */
  readonly compression?: Compression;
  /** The id of the only instance that may get the call. The call is made once. */
  readonly instance?: string | undefined;
  /** The ids of instances that don't get the call, also if no other instance can take it. */
  readonly avoid?: readonly string[];
  /**
   * The most attempts, with the first one: 1, for no retries and no hedges, to 5. It takes precedence over the contract.
   * Default: the contract's, or 3.
   */
  readonly maxAttempts?: number;
  /**
   * Whether the call waits, at most until its deadline, while no instance can be reached. It takes precedence over the
   * contract. Default: the contract's, or false: the call fails with `UNAVAILABLE` once every instance is out of reach.
   */
  readonly waitForReady?: boolean;
  /**
   * For how long the client tries to resume a stream, in milliseconds from the first break after the last message. It
   * applies to streams whose contract says how they are resumed. `Infinity`: without limit. 0: never, each break is an
   * error. Default: 60,000.
   */
  readonly resumeForMs?: number;
  /** Called with each failure after which the client tries to resume the stream. */
  readonly onStreamBreak?: (error: RpcError) => void;
  /**
   * Called when the call has ended, well or badly, with where its time went. For unary calls only. A call with this
   * option takes no tunnel.
   */
  readonly onTiming?: (timing: CallTiming) => void;
  /**
   * On whose behalf the call is made. Default: the principal of the call that is being served, if there is one. A
   * process that acts for itself, such as for a saga, names itself. The other process accepts the principal if this
   * process may call on behalf of others; see the guide on authorisation.
   */
  readonly principal?: Principal | undefined;
  /** Called with the response's header metadata, before the first message. */
  readonly onHeader?: (header: Metadata) => void;
  /** Called with the response's trailing metadata, after the last message. */
  readonly onTrailer?: (trailer: Metadata) => void;
}

/** One method of a client. A single message is a plain value or a promise; a stream is an async iterable. */
export type ClientMethod<M extends MethodDefinition> = M['requestStream'] extends true
  ? M['responseStream'] extends true
    ? (requests: AsyncIterable<RequestInit<M>>, options?: CallOptions) => AsyncIterable<ResponseOf<M>>
    : (requests: AsyncIterable<RequestInit<M>>, options?: CallOptions) => Promise<ResponseOf<M>>
  : M['responseStream'] extends true
    ? (request: RequestInit<M>, options?: CallOptions) => AsyncIterable<ResponseOf<M>>
    : (request: RequestInit<M>, options?: CallOptions) => Promise<ResponseOf<M>>;

/**
 * A client of a service: one function for each method. Every failure is an `RpcError`.
 *
 * A response stream is resumed when it breaks if its contract says how, in `(rondo.options.v1.method).resume`. A stream
 * breaks by a lost connection, `UNAVAILABLE`, or `ABORTED`, which a server sends to a reader that is too slow. The client
 * calls the method again, at another instance if one can take the call, with the token of the last message that the reader
 * has taken. So no message is lost and none comes twice.
 *
 * Messages without a token are the exception: those since the last token come again. So a snapshot in several messages
 * starts anew and replaces what the reader has read of it.
 *
 * The client pauses between attempts and gives up after `resumeForMs`, with the error of the last attempt. It calls
 * `onStreamBreak` with each failure. A stream whose first call fails before its response begins is not
 * resumed: it fails as any call does.
 */
export type Client<D extends ServiceDefinition> = { readonly [K in keyof D['methods']]: ClientMethod<D['methods'][K]> };

/** An outgoing call, as the client's middleware sees it. */
export interface ClientCall extends Call {
  /** When the call began, by the channel's clock, in milliseconds. */
  readonly startedAt: number;
  /** The options that the caller passed. */
  readonly options: CallOptions;
  /** On whose behalf the call is made; undefined for no one. */
  readonly principal: Principal | undefined;
  /** The attempts so far. The channel adds them. */
  readonly attempts: Attempt[];
  /** Where the time of the call went, once it has ended, if the caller asked by `onTiming`. */
  timing?: CallTiming | undefined;
}

/**
 * An outgoing call. `deadline` and `signal` are own properties, so that `{ ...call }` copies them, and getters, so that they
 * are made only if they are read.
 */
export class OutgoingCall implements ClientCall {
  readonly method: Method;
  readonly metadata: Metadata;
  readonly context: CallContext;
  readonly request: Payload;
  readonly traceId: string;
  readonly startedAt: number;
  readonly options: CallOptions;
  readonly principal: Principal | undefined;
  readonly attempts: Attempt[] = [];
  timing: CallTiming | undefined = undefined;
  readonly #clocks: Clocks;
  declare readonly deadline: Date | undefined;
  declare readonly signal: AbortSignal;

  constructor(call: Omit<ClientCall, 'deadline' | 'signal' | 'attempts' | 'timing'>, clocks: Clocks) {
    this.method = call.method;
    this.metadata = call.metadata;
    this.context = call.context;
    this.request = call.request;
    this.traceId = call.traceId;
    this.startedAt = call.startedAt;
    this.options = call.options;
    this.principal = call.principal;
    this.#clocks = clocks;
    Object.defineProperty(this, 'deadline', OutgoingCall.#deadline);
    Object.defineProperty(this, 'signal', OutgoingCall.#signal);
  }

  static readonly #deadline: PropertyDescriptor = {
    enumerable: true,
    get(this: OutgoingCall): Date | undefined {
      return this.context.endsAt === undefined ? undefined : dateOf(this.context.endsAt, this.#clocks);
    },
  };

  static readonly #signal: PropertyDescriptor = {
    enumerable: true,
    get(this: OutgoingCall): AbortSignal {
      return this.context.signal;
    },
  };
}
