import { type Clocks, dateOf, millisecondsUntil, type WallClock } from '@rondo/base';
import type { Payload } from '../call/call.js';
import { CallContext, type DeadlineSource } from '../call/call-context.js';
import type { CallTiming } from '../call/call-timer.js';
import type { CallOptions, ClientCall } from '../call/client-call.js';
import { Metadata, type MetadataInit } from '../call/metadata.js';
import { currentScope } from '../call/scope.js';
import { traceOf, tracing } from '../call/trace.js';
import { callPrincipal, type Principal } from '../call/values.js';
import type { Channel } from '../channel/channel.js';
import type { Method } from '../contract/method.js';
import { COMPRESSIONS, type Policy } from '../contract/policy.js';
import { MAX_ATTEMPTS } from '../contract/retry-policy.js';
import { clientErrors } from '../errors/client.js';
import type { Attempt, CallReport, RpcError } from '../status/rpc-error.js';
import { withKey } from './idempotency-key.js';

/** What a call is made with: its method, and the channel that carries it. */
export interface Binding {
  readonly method: Method;
  readonly channel: Channel;
}

/** Begins a call: its deadline, its metadata and its trace. @throws RpcError `INVALID_ARGUMENT` for options that no call can have. */
export function beginCall({ method, channel }: Binding, given: unknown, options: CallOptions): ClientCall {
  const { clock, random } = channel;
  const scope = currentScope();
  if (scope?.refuseCall !== undefined) throw scope.refuseCall(unmade(method));
  const startedAt = clock.now();
  const start = { startedAt, inherited: scope?.context.endsAt, wallClock: channel.wallClock };
  const { deadline, by } = deadlineOf(method.policy, options, start);
  if (Number.isNaN(deadline)) throw clientErrors.INVALID_TIME(unmade(method));
  const metadata = options.metadata === undefined ? new Metadata() : sendable(options.metadata, method);
  const { compression } = options;
  if (compression !== undefined && !COMPRESSIONS.includes(compression)) {
    const compressions = COMPRESSIONS.join(' or ');
    throw clientErrors.UNKNOWN_COMPRESSION({ compressions, compression }, unmade(method));
  }
  const { maxAttempts, onTiming } = options;
  if (onTiming !== undefined && (method.requestStream || method.responseStream)) {
    throw clientErrors.TIMED_STREAM(unmade(method));
  }
  if (maxAttempts !== undefined && !isAttempts(maxAttempts)) {
    throw clientErrors.INVALID_MAX_ATTEMPTS({ maxAttempts, most: MAX_ATTEMPTS }, unmade(method));
  }
  // A client's function has the shape of its method: the argument of one with a request stream is a stream.
  const own: Payload = method.requestStream
    ? { stream: true, messages: given as AsyncIterable<unknown> }
    : { stream: false, message: given };
  const request = method.policy.key === undefined ? own : withKey(method, { request: own, metadata }, channel);
  const span = tracing()?.client(method, metadata);
  const traceId = span?.traceId ?? traceOf(metadata, scope, random);
  const context = new CallContext({ clock, deadline, by, parents: [scope?.context, options.signal] });
  if (span !== undefined) context.span = span;
  const principal = options.principal ?? scope?.values?.get(callPrincipal);
  return new OutgoingCall({ method, metadata, context, request, traceId, startedAt, options, principal }, channel);
}

const isAttempts = (count: number): boolean => Number.isInteger(count) && count >= 1 && count <= MAX_ATTEMPTS;

function sendable(init: MetadataInit, method: Method): Metadata {
  try {
    return new Metadata(init);
  } catch (cause) {
    throw unsendable(method, cause);
  }
}

/** The error of a call whose metadata can't be sent, with the key's name. */
export function unsendable(method: Method, cause: unknown): RpcError {
  const keyAndRule = cause instanceof Error ? cause.message : String(cause);
  return clientErrors.UNSENDABLE_METADATA({ keyAndRule }, { ...unmade(method), cause });
}

/** The report of a call whose options are invalid. */
function unmade({ path }: Method): { readonly report: CallReport } {
  return { report: { method: path, attempts: [], elapsedMs: 0 } };
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

/** The deadline of a call, and where it comes from. */
export interface CallDeadline {
  /** The deadline by the channel's clock, in milliseconds; undefined if the call has none. NaN if the caller's options are invalid. */
  readonly deadline: number | undefined;
  readonly by: DeadlineSource;
}

/** The circumstances in which a call begins. */
export interface CallStart {
  /** When the call begins, by the channel's clock, in milliseconds. */
  readonly startedAt: number;
  /** The deadline of the call in whose handler this call is made; undefined if there is none. */
  readonly inherited: number | undefined;
  readonly wallClock: WallClock;
}

/**
 * The deadline of a call: the earliest of three.
 *
 * 1. What the caller asks for, or the method's default if the caller asks for nothing.
 * 2. The contract's timeout. No caller can exceed it.
 * 3. The deadline of the call in whose handler this call is made.
 *
 * It is NaN if the caller's `timeoutMs` or `deadline` is invalid.
 */
export function deadlineOf(policy: Policy, options: CallOptions, start: CallStart): CallDeadline {
  const { startedAt, inherited = NEVER } = start;
  const { timeoutMs, deadline } = options;
  const leftMs = deadline === undefined ? undefined : millisecondsUntil(deadline, start.wallClock);
  const requested = leftMs === undefined ? timeoutMs : Math.min(timeoutMs ?? NEVER, leftMs);
  const ownMs = requested ?? policy.defaultTimeoutMs ?? NEVER;
  const allowedMs = policy.timeoutMs ?? NEVER;
  const at = Math.min(startedAt + Math.min(ownMs, allowedMs), inherited);
  if (at === NEVER) return UNLIMITED;
  if (at === inherited) return { deadline: at, by: 'inherited' };
  if (allowedMs <= ownMs) return { deadline: at, by: 'contract' };
  return { deadline: at, by: requested === undefined ? 'default' : 'caller' };
}

const NEVER = Number.POSITIVE_INFINITY;
const UNLIMITED: CallDeadline = { deadline: undefined, by: 'caller' };
