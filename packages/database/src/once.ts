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
