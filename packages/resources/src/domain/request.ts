import { StaleEtag } from './errors.js';

/** The idempotency key of a call (AIP-155): the caller's request id and a fingerprint of the request. */
export interface RequestKey {
  /** A UUID in lower case. */
  readonly id: string;
  /** SHA-256 of the request's content without the id, 32 bytes. */
  readonly fingerprint: Uint8Array;
}

/**
 * Compares a resource with the etag that the caller sent. Returns the names of the fields that have changed since, or
 * undefined if the etag still matches or the caller sent none.
 */
export type ChangedSince<Resource> = (present: Resource) => readonly string[] | undefined;

/** @throws StaleEtag if the resource has changed since the caller read it. */
export function requireUnchanged<Resource>(
  name: string,
  present: Resource,
  changedSince: ChangedSince<Resource>,
): void {
  const fields = changedSince(present);
  if (fields !== undefined) throw new StaleEtag(name, fields);
}
