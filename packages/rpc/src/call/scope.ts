import { AsyncLocalStorage } from 'node:async_hooks';
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
