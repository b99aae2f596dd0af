import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, type Once, systemClock } from '@rondo/base';
import type { Method } from '../contract/method.js';
import type { CallReport, RpcError } from '../status/rpc-error.js';
import type { CallContext } from './call-context.js';
import type { Metadata } from './metadata.js';
import type { ActiveTrace } from './trace.js';
import type { ContextValues } from './values.js';
import { callerOf } from './values.js';

/** What calls that a handler makes inherit from the call that it serves. */
export interface CallScope {
  /** Created when it is first read. */
  readonly signal: AbortSignal;
  /** Its `endsAt` is the deadline. */
  readonly context: CallContext;
  readonly traceId: string;
  /** The request's metadata. */
  readonly metadata?: Metadata;
  /** The values of the call, such as its principal. */
  readonly values?: ContextValues;
  /** The caller's address. */
  readonly peer?: string;
  /** The method being served. */
  readonly method: Method;
  /** Set if the call has an idempotency key: what its transaction does to take effect once. */
  readonly once?: Once;
  /** Set while the handler may call no other service: the error that such a call fails with. */
  readonly refuseCall?: (made: { readonly report: CallReport }) => RpcError;
}

/** A scope with another trace than that of its call. */
class Traced {
  readonly scope: CallScope | undefined;
  readonly trace: ActiveTrace;

  constructor(scope: CallScope | undefined, trace: ActiveTrace) {
    this.scope = scope;
    this.trace = trace;
  }
}

/** Both are in one storage: on Node 20 each further one costs every promise of the process. */
const storage = new AsyncLocalStorage<CallScope | Traced>();

/** The call being served; undefined outside a handler. */
export function currentScope(): CallScope | undefined {
  const store = storage.getStore();
  return store instanceof Traced ? store.scope : store;
}

/** The active trace, if it is kept here. */
export function activeTrace(): ActiveTrace | undefined {
  const store = storage.getStore();
  return store instanceof Traced ? store.trace : store?.context.span;
}

/** Runs `work` as part of a trace. The argument saves a closure. */
export function runInTrace<A, T>(trace: ActiveTrace, work: (given: A) => T, given: A): T {
  return storage.run(new Traced(currentScope(), trace), work, given);
}

/** Runs `work` as part of the call `scope`. The arguments save a closure. */
export function runInScope<A extends unknown[], T>(scope: CallScope, work: (...given: A) => T, ...given: A): T {
  const trace = activeTrace();
  const store = trace === undefined || trace === scope.context.span ? scope : new Traced(scope, trace);
  return storage.run(store, work, ...given);
}

/** Runs `work` outside any call: for work that outlives the call which starts it. It stays part of the call's trace. */
export function runOutsideScope<T>(work: () => T): T {
  const trace = activeTrace();
  return trace === undefined ? storage.exit(work) : storage.run(new Traced(undefined, trace), work);
}

/**
 * Runs each step of `messages` as part of the call `scope`. A generator's body otherwise runs in the scope of its
 * reader.
 */
export function iterateInScope<T>(scope: CallScope, messages: AsyncIterable<T>): AsyncIterable<T> {
  const { span } = scope.context;
  const within = <R>(step: () => R): R =>
    span === undefined ? runInScope(scope, step) : span.run((own) => runInScope(own, step), scope);
  return {
    [Symbol.asyncIterator]() {
      const iterator = within(() => messages[Symbol.asyncIterator]());
      return {
        next: () => within(() => iterator.next()),
        return: async () => (await within(() => iterator.return?.())) ?? { done: true, value: undefined },
      };
    },
  };
}

/** How long the handler of a call may wait for a dependency that is away, such as a database during a failover. */
export interface OutageWait {
  /** The longest wait that still leaves time to answer, in milliseconds from now. */
  readonly timeoutMs: number;
  /**
   * Whether work that may already have taken effect can be repeated, because the contract declares the method
   * idempotent, or because the call has an idempotency key.
   */
  readonly repeatable: boolean;
}

/** The longest wait of a call. Milliseconds. */
const LONGEST_MS = 10_000;
/** Time kept for the answer that gives the reason, so that it arrives before the caller's deadline. Milliseconds. */
const ANSWER_MS = 250;

/** Limits on the work that is done for a call. */
export interface WorkLimits {
  /** Aborts once no caller waits for the answer: the caller cancelled, or the deadline passed. */
  readonly signal: AbortSignal | undefined;
  readonly outageWait: OutageWait | undefined;
  /** Who makes the call: the process, and the principal on whose behalf it calls. If neither is known, the address. */
  readonly caller?: string | undefined;
  /** Set if the call has an idempotency key. Its transaction then takes effect once. */
  readonly once?: Once | undefined;
  /** Tells that the call waits for a lock, or for a database that doesn't answer: the server then doesn't count it among those that queue. */
  readonly onStall?: (() => void) | undefined;
}

/** The limits of the call being served, as a database statement takes them; all are undefined outside a handler. */
export function currentWorkLimits(): WorkLimits {
  const scope = currentScope();
  if (scope === undefined) return { signal: undefined, outageWait: undefined };
  const { signal, values, peer, once, context } = scope;
  const caller = (values && callerOf(values)) || peer;
  const onStall = () => context.setAside();
  return { signal, outageWait: currentOutageWait(), caller, onStall, ...(once && { once }) };
}

/** How long the call being served may wait for a dependency; undefined outside a handler. */
export function currentOutageWait(clock: Clock = systemClock): OutageWait | undefined {
  const scope = currentScope();
  if (scope === undefined) return undefined;
  const { context, method, once } = scope;
  const { idempotency, key } = method.policy;
  const leftMs = context.endsAt === undefined ? LONGEST_MS : context.endsAt - clock.now() - ANSWER_MS;
  return {
    timeoutMs: Math.min(LONGEST_MS, Math.max(0, leftMs)),
    repeatable: key === undefined ? idempotency !== 'unknown' : once !== undefined,
  };
}
