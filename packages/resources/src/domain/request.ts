import { StaleEtag } from './errors.js';

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
