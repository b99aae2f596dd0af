/** What a zone looks like: `region/zone`, such as `eu-west/a`. */
export const ZONE_PATTERN = /^[^\s/]+\/[^\s/]+$/;

/**
 * Checks where a process runs; empty where nobody says.
 *
 * @throws TypeError that names `source`, the rule and an example.
 */
export function checkZone(zone: string, source: string): string {
  if (zone === '' || (ZONE_PATTERN.test(zone) && zone.length <= MAX_ZONE_LENGTH)) return zone;
  const rule = `region/zone, at most ${MAX_ZONE_LENGTH} characters, such as eu-west/a`;
  throw new TypeError(`${source}="${zone.slice(0, MAX_ZONE_LENGTH)}": where a process runs is written ${rule}`);
}

/** The registry's. */
const MAX_ZONE_LENGTH = 128;
