/** What makes a create safe to repeat (AIP-155). */
export interface RequestKey {
  /** A UUID of the caller's. */
  readonly id: string;
  /** SHA-256 of the request without its id. */
  readonly fingerprint: Uint8Array;
}
