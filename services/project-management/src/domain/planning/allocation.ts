import {
  type DayNumber,
  freeMinutesOf,
  LAST_DAY,
  type MemberTime,
  shareFromDay,
  type WeekNumber,
  weekdayOf,
  weekOf,
} from './days.js';

/** Two years. */
export const ALLOCATION_WEEKS = 104;

/** The effort for which time is reserved. */
export interface Effort {
  /** The minutes of assigned tasks, by the assignee's member id. */
  readonly ofMembers: ReadonlyMap<string, number>;
  /** The minutes of unassigned tasks, which any member may do. */
  readonly unassigned: number;
}

/** The team, and the day from which it is available. */
export interface Availability {
  /** The oldest member first. */
  readonly team: readonly MemberTime[];
  /** The first working day. */
  readonly firstDay: DayNumber;
}

/** Allocated minutes of a member's week. */
export interface WeekShare {
  readonly memberId: string;
  readonly week: WeekNumber;
  /** At least 1. */
  readonly minutes: number;
}

/** The allocated weeks, or the number of minutes that don't fit. */
export type Allocation =
  | { readonly kind: 'allocated'; readonly shares: readonly WeekShare[] }
  | { readonly kind: 'short'; readonly missingMinutes: number };

/**
 * Spreads effort over the free minutes of a team's weeks, the earliest first, to the minute:
 *
 * - Assigned effort comes first, the oldest member first. It takes all free minutes of the assignee's weeks, one week
 *   after another. Then comes unassigned effort: week after week, and in each week the oldest member first, it takes
 *   all free minutes.
 * - In the first week only the days from `firstDay` on count. Each has a fifth of the free minutes (see `shareOfDay`).
 * - Effort that doesn't fit into 104 weeks, counted from the week of `firstDay`, is missing. The whole effort of an
 *   assignee that isn't in the team is missing.
 */
export function allocate({ ofMembers, unassigned }: Effort, availability: Availability): Allocation {
  const offers = createOffers(availability);
  let missingMinutes = 0;
  for (const { memberId } of availability.team) {
    missingMinutes += offers.take(ofMembers.get(memberId) ?? 0, (offer) => offer.memberId === memberId);
  }
  const known = new Set(availability.team.map(({ memberId }) => memberId));
  for (const [memberId, minutes] of ofMembers) if (!known.has(memberId)) missingMinutes += minutes;
  missingMinutes += offers.take(unassigned, () => true);
  return missingMinutes > 0 ? { kind: 'short', missingMinutes } : { kind: 'allocated', shares: offers.taken() };
}

/** The free minutes of the team, and the allocated ones. */
interface Offers {
  /** Takes minutes of the offers that fit, the earliest first. Returns how many are missing. */
  take(minutes: number, fits: (offer: Offer) => boolean): number;
  taken(): readonly WeekShare[];
}

interface Offer {
  readonly memberId: string;
  readonly week: WeekNumber;
  free: number;
  taken: number;
}

function createOffers({ team, firstDay }: Availability): Offers {
  const offers = weeksFrom(firstDay).flatMap((week) =>
    team.map(
      (member): Offer => ({ memberId: member.memberId, week, free: freeFrom(member, week, firstDay), taken: 0 }),
    ),
  );
  return {
    take(minutes, fits) {
      let missing = minutes;
      for (const offer of offers) {
        if (missing === 0) break;
        if (!fits(offer)) continue;
        const part = Math.min(missing, offer.free);
        offer.free -= part;
        offer.taken += part;
        missing -= part;
      }
      return missing;
    },
    taken: () =>
      offers.filter(({ taken }) => taken > 0).map(({ memberId, week, taken }) => ({ memberId, week, minutes: taken })),
  };
}

/** The weeks that an allocation from this day on can use. */
export function weeksFrom(firstDay: DayNumber): readonly WeekNumber[] {
  const first = weekOf(firstDay);
  const count = Math.min(ALLOCATION_WEEKS, weekOf(LAST_DAY) - first + 1);
  return Array.from({ length: count }, (_, index) => first + index);
}

function freeFrom(member: MemberTime, week: WeekNumber, firstDay: DayNumber): number {
  const free = freeMinutesOf(member, week);
  return week === weekOf(firstDay) ? shareFromDay(free, weekdayOf(firstDay)) : free;
}
