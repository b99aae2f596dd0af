import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, systemClock } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import type { CallLimit } from './limit.js';

/** What calls made inside a handler inherit from the call that it serves. */
export interface CallScope {
  /** Made where it is asked for. */
  readonly signal: AbortSignal;
  /** When it ends at the latest is its `endsAt`. */
  readonly limit: CallLimit;
  readonly traceId: string;
  /** The method that is served. */
  readonly method: Method;
}

const storage = new AsyncLocalStorage<CallScope>();

/** The call being served here, if any. */
export function currentScope(): CallScope | undefined {
  return storage.getStore();
}

/** Runs `work` as part of the call `scope`. */
export function runInScope<T>(scope: CallScope, work: () => T): T {
  return storage.run(scope, work);
}

/** Runs `work` as part of no call: for what outlives the call that happens to start it. */
export function runOutsideScope<T>(work: () => T): T {
  return storage.exit(work);
}

/** Runs each step of `messages` as part of the call `scope`: a generator's body runs where it is pulled from. */
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

/** How whoever serves a call bears that something it needs is away for a while. */
export interface Patience {
  /** How long it can wait and still answer in time, in milliseconds from now. */
  readonly forMs: number;
  /** Whether what may have taken effect already can be done once more, as the contract says that the call may be. */
  readonly repeat: boolean;
}

/** What a call that has no deadline waits at the longest. Milliseconds. */
const LONGEST_MS = 10_000;
/** An answer that says why has to arrive before the caller stops waiting. Milliseconds. */
const ANSWER_MS = 250;

/** What binds the work that is done for a call. */
export interface CallBounds {
  /** Aborts once nobody waits for the answer any more: the caller has left, or its deadline has passed. */
  readonly signal: AbortSignal | undefined;
  readonly patience: Patience | undefined;
}

/** The bounds of the call being served here, such as a statement takes them; there are none where none is served. */
export function currentBounds(): CallBounds {
  return { signal: currentScope()?.signal, patience: currentPatience() };
}

/** The patience of the call being served here; undefined where none is. */
export function currentPatience(clock: Clock = systemClock): Patience | undefined {
  const scope = currentScope();
  if (scope === undefined) return undefined;
  const { limit, method } = scope;
  const leftMs = limit.endsAt === undefined ? LONGEST_MS : limit.endsAt - clock.now() - ANSWER_MS;
  return { forMs: Math.min(LONGEST_MS, Math.max(0, leftMs)), repeat: method.policy.idempotency !== 'unknown' };
}
