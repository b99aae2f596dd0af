/** How near a zone is: the caller's own, its region, or anywhere else. */
export type Tier = 0 | 1 | 2;

/** All tiers, nearest first. */
export const TIERS: readonly Tier[] = [0, 1, 2];

/** How near `zone` is to a caller in `home`. Both are `region/zone`; one that nobody said is far from everything. */
export function tierOf(zone: string, home: string): Tier {
  if (zone === '' || home === '') return 2;
  if (zone === home) return 0;
  return regionOf(zone) === regionOf(home) ? 1 : 2;
}

/** The region of a `region/zone`. */
export function regionOf(zone: string): string {
  return zone.split('/', 1)[0] ?? '';
}
