import { regionOf } from '@rondo/rpc/internal';

/** How near a zone is to the caller's: 0 the same zone, 1 the same region, 2 elsewhere. */
export type PriorityLevel = 0 | 1 | 2;

/** All tiers, nearest first. */
export const PRIORITY_LEVELS: readonly PriorityLevel[] = [0, 1, 2];

/** The tier of `zone` for a caller in `home`. Both are `region/zone`. If either is empty (unknown), the tier is 2. */
export function priorityLevelOf(zone: string, home: string): PriorityLevel {
  if (zone === '' || home === '') return 2;
  if (zone === home) return 0;
  return regionOf(zone) === regionOf(home) ? 1 : 2;
}
