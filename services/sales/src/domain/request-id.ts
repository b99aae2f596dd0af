/** What makes a call safe to repeat (AIP-155). */
export interface RequestKey {
  /** A UUID of the caller's, in lower case. */
  readonly id: string;
  /** SHA-256 of what was asked for, 32 bytes. */
  readonly fingerprint: Uint8Array;
}

/** A key of one method: each has ids of its own. */
export interface KeyedCall extends RequestKey {
  readonly method: KeyedMethod;
}

/** The methods that take a request id. */
type KeyedMethod = 'CreateCustomer' | 'CreateProduct' | 'AdjustStock' | 'CreateQuote' | 'PlaceOrder';

/** The key of a call of `method`; undefined where there is none. */
export function callOf(method: KeyedMethod, key: RequestKey | undefined): KeyedCall | undefined {
  return key && { ...key, method };
}
