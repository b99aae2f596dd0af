/** A request id and what identifies its request (AIP-155). It makes a create safe to repeat. */
export interface RequestKey {
  /** A UUID from the caller. */
  readonly id: string;
  /** SHA-256 of the request's content without the id. */
  readonly fingerprint: Uint8Array;
}
