import { StaleEtag } from './errors.js';

/** The entity tag of a resource's version: a strong one, quotes included (RFC 9110, section 8.8.3). */
export function etagOf(version: bigint): string {
  return `"${version}"`;
}

/**
 * Checks that the caller's etag is the present one; undefined asks for no check.
 *
 * @throws StaleEtag where it isn't.
 */
export function requireFresh(resource: string, version: bigint, given: string | undefined): void {
  const present = etagOf(version);
  if (given !== undefined && given !== present) throw new StaleEtag(resource, { given, present });
}
