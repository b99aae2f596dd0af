import type { Compression } from '../contract/policy.js';
import type { Attempt, RpcError } from '../status/rpc-error.js';
import type { Call } from './call.js';
import type { CallTiming } from './call-timer.js';
import type { Metadata, MetadataInit } from './metadata.js';
import type { Principal } from './values.js';

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
   * option goes by gRPC.
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
