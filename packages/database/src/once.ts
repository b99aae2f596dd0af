import type { Queries } from './sql.js';

/** The interface by which a call takes effect once. `@rondo/rpc` has the other side; this package doesn't import it. */

/** A call with an idempotency key. */
export interface KeyedCall {
  /** `/package.Service/Method`. */
  readonly method: string;
  /** The caller's identity; empty if it is unknown. */
  readonly caller: string;
  /** The key, unique for a method and a caller. */
  readonly key: string;
  /** SHA-256 of the request, 32 bytes. */
  readonly fingerprint: Uint8Array;
  /** How long the outcome is stored at least. Milliseconds. */
  readonly retentionMs: number;
}

/** How a call ended. */
export interface Outcome {
  /** The status code; 0 for success. */
  readonly code: number;
  /** The encoded reply or error. */
  readonly bytes: Uint8Array;
}

/** The outcome of the first call with a key, and the fingerprint of its request. */
export interface StoredOutcome extends Outcome {
  readonly fingerprint: Uint8Array;
}

/** The call whose effect a transaction is. `currentWorkLimits()` of `@rondo/rpc/call` has it. */
export interface Once extends KeyedCall {
  /** The transaction begins. It throws if the call has had one. */
  begin(): void;
  /** Runs the work of the transaction. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Encodes the result of the work. */
  encode(result: unknown): Uint8Array;
  /** An earlier call has the key. Returns the error with which the transaction ends. */
  repeated(first: StoredOutcome): Error;
  /** Ends the stored call that this is, before the commit. No outcome is stored then. @throws if another process has the call. */
  readonly settle?: ((transaction: Pick<Queries, 'query'>) => Promise<void>) | undefined;
}
