import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../clock/clock.js';
import { systemClock } from '../clock/system.js';
import type { Method } from '../contract/method.js';
import type { CallLimit } from './limit.js';

/** What calls that a handler makes inherit from the call that it serves. */
export interface CallScope {
  /** Created when it is first read. */
  readonly signal: AbortSignal;
  /** Its `endsAt` is the deadline. */
  readonly limit: CallLimit;
  readonly traceId: string;
  /** The method being served. */
  readonly method: Method;
}

const storage = new AsyncLocalStorage<CallScope>();

/** The call being served; undefined outside a handler. */
export function currentScope(): CallScope | undefined {
  return storage.getStore();
}

/** Runs `work` as part of the call `scope`. */
export function runInScope<T>(scope: CallScope, work: () => T): T {
  return storage.run(scope, work);
}

/** Runs `work` outside any call: for work that outlives the call which starts it. */
export function runOutsideScope<T>(work: () => T): T {
  return storage.exit(work);
}

/**
 * Runs each step of `messages` as part of the call `scope`. A generator's body otherwise runs in the scope of its
 * reader.
 */
export function iterateInScope<T>(scope: CallScope, messages: AsyncIterable<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = runInScope(scope, () => messages[Symbol.asyncIterator]());
      return {
        next: () => runInScope(scope, () => iterator.next()),
        return: async () => (await runInScope(scope, () => iterator.return?.())) ?? { done: true, value: undefined },
      };
    },
  };
}

/** How long the handler of a call may wait for a dependency that is away, such as a database during a failover. */
export interface Patience {
  /** The longest wait that still leaves time to answer, in milliseconds from now. */
  readonly forMs: number;
  /**
   * Whether work that may already have taken effect can be repeated, because the contract declares the method
   * idempotent.
   */
  readonly repeat: boolean;
}

/** The longest wait of a call without a deadline. Milliseconds. */
const LONGEST_MS = 10_000;
/** Time kept for the answer that gives the reason, so that it arrives before the caller's deadline. Milliseconds. */
const ANSWER_MS = 250;

/** Limits on the work that is done for a call. */
export interface CallBounds {
  /** Aborts once no caller waits for the answer: the caller cancelled, or the deadline passed. */
  readonly signal: AbortSignal | undefined;
  readonly patience: Patience | undefined;
}

/** The limits of the call being served, as a database statement takes them; both are undefined outside a handler. */
export function currentBounds(): CallBounds {
  return { signal: currentScope()?.signal, patience: currentPatience() };
}

/** How long the call being served may wait for a dependency; undefined outside a handler. */
export function currentPatience(clock: Clock = systemClock): Patience | undefined {
  const scope = currentScope();
  if (scope === undefined) return undefined;
  const { limit, method } = scope;
  const leftMs = limit.endsAt === undefined ? LONGEST_MS : limit.endsAt - clock.now() - ANSWER_MS;
  return { forMs: Math.min(LONGEST_MS, Math.max(0, leftMs)), repeat: method.policy.idempotency !== 'unknown' };
}
