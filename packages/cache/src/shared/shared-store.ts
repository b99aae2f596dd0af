import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random } from '@rondo/rpc/clock';

/** How long a lease holds. After that, another process may get the value. Milliseconds. */
export const LEASE_MS = 10_000;

/** What a shared store has under a key. */
export type Taken =
  | { readonly kind: 'found'; readonly value: Uint8Array }
  /** The store has no value: the caller may store one with this lease. Meanwhile other callers get no lease. */
  | { readonly kind: 'lease'; readonly lease: string }
  /** The store can't be asked, or another process is getting the value. */
  | { readonly kind: 'none' };

/**
 * A store of values that several processes share, such as Redis. It is optional: while it is unavailable or slow,
 * it counts as empty. No function rejects, and none takes longer than a short bound.
 */
export interface SharedStore {
  take(key: string): Promise<Taken>;
  /** Stores a value for `ttlMs`, unless the lease has ended or `key` was removed since it was given. */
  fill(key: string, filling: { readonly lease: string; readonly value: Uint8Array; readonly ttlMs: number }): void;
  /** Removes a value, or the lease of one that is on its way. Resolves with whether it is certain that the key is gone. */
  remove(key: string): Promise<boolean>;
  close(): void;
}

/** What a store is opened with. */
export interface StoreOptions {
  /** The value of `RONDO_CACHE`. */
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Called with each command that failed or took too long. */
  readonly onError?: () => void;
}

/** A kind of store that an app passes to its process: `runService({ …, plugins: [redis] })`. `RONDO_CACHE` picks it. */
export interface StorePlugin {
  readonly kind: 'cache';
  /** The npm package that it comes from. */
  readonly package: string;
  /** The schemes of the URLs that it opens. */
  readonly schemes: readonly string[];
  /** Opens the store, which connects in the background. */
  open(options: StoreOptions): Promise<SharedStore>;
}
