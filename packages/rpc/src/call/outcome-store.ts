import type { KeyedCall, Outcome, StoredOutcome } from '@rondo/base';

/** Stores the outcomes of calls with idempotency keys. */
export interface OutcomeStore {
  /** The outcome of the first call with the key; undefined if there is none. */
  find(call: KeyedCall, options: StoreOptions): Promise<StoredOutcome | undefined>;
  /** Stores an outcome unless the key has one. Returns the outcome that is stored then. */
  add(call: KeyedCall, outcome: Outcome, options: StoreOptions): Promise<StoredOutcome>;
  /**
   * Locks the key: waits until no other call with it runs, and resolves to the function that releases the lock. A
   * store whose transactions do this by `Once` has no such function.
   */
  lock?(call: KeyedCall, options: StoreOptions): Promise<() => void>;
}

export interface StoreOptions {
  /** Aborts once no caller waits for the answer. */
  readonly signal?: AbortSignal | undefined;
}
