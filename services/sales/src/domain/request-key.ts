/** What makes a call safe to repeat (AIP-155). */
export interface RequestKey {
  /** The method that was called: each has ids of its own. */
  readonly method: 'CreateCustomer' | 'CreateProduct' | 'AdjustStock' | 'CreateQuote';
  /** A UUID of the caller's, in lower case. */
  readonly id: string;
  /** SHA-256 of what was asked for. */
  readonly fingerprint: string;
}
