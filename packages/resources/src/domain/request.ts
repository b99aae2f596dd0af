import { StaleEtag } from './errors.js';

/**
 * Compares a resource with the etag that the caller sent. Returns the names of the fields that have changed since, `foreign` if the
 * etag was never one of this resource, or undefined if the etag still matches or the caller sent none.
 */
export type ChangedSince<Resource> = (present: Resource) => readonly string[] | 'foreign' | undefined;

/** @throws StaleEtag if the resource has changed since the caller read it, or never had the etag. */
export function requireUnchanged<Resource>(
  name: string,
  present: Resource,
  changedSince: ChangedSince<Resource>,
): void {
  const changed = changedSince(present);
  if (changed !== undefined) throw new StaleEtag(name, changed);
}
