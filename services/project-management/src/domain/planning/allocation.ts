import { type DayNumber, LAST_DAY, shareFromDay, type WeekNumber, weekdayOf, weekOf, freeMinutesOf, type MemberTime } from './days.js';

/** Two years. */
export const ALLOCATION_WEEKS = 104;

/** Work that time is to be reserved for. */
export interface Effort {
  /** By the id of the member who is to do it. */
  readonly ofMembers: ReadonlyMap<string, number>;
  /** What anybody may do. */
  readonly ofAnybody: number;
}

/** Who is there, and from when. */
export interface Availability {
  /** The oldest member first. */
  readonly team: readonly MemberTime[];
  /** The first day that can be worked on. */
  readonly firstDay: DayNumber;
}

/** Some of a member's week. */
export interface WeekShare {
  readonly memberId: string;
  readonly week: WeekNumber;
  /** At least 1. */
  readonly minutes: number;
}

/** What effort takes of a team's weeks, or how much is missing. */
export type Allocation =
  | { readonly kind: 'allocated'; readonly shares: readonly WeekShare[] }
  | { readonly kind: 'short'; readonly missingMinutes: number };

/**
 * Spreads effort over the free minutes of a team's weeks, the earliest first, to the minute. So it is found:
 *
 * - First comes what is to be done by one member: it takes of that member's weeks, one after another, all that is free,
 *   the members in the order of their age. Then what anybody may do: week after week, of each week the members in the
 *   order of their age, of each all that is free.
 * - Of the week of the first day only the fifths of what is free count that fall on that weekday or later (see
 *   `shareOfDay`).
 * - What isn't free within 104 weeks, that of the first day being the first, is missing; the effort of somebody who isn't
 *   in the team is missing whole.
 */
export function allocate({ ofMembers, ofAnybody }: Effort, availability: Availability): Allocation {
  const offers = createOffers(availability);
  let missingMinutes = 0;
  for (const { memberId } of availability.team) {
    missingMinutes += offers.take(ofMembers.get(memberId) ?? 0, (offer) => offer.memberId === memberId);
  }
  const known = new Set(availability.team.map(({ memberId }) => memberId));
  for (const [memberId, minutes] of ofMembers) if (!known.has(memberId)) missingMinutes += minutes;
  missingMinutes += offers.take(ofAnybody, () => true);
  return missingMinutes > 0 ? { kind: 'short', missingMinutes } : { kind: 'allocated', shares: offers.taken() };
}

/** What can be taken, and what is taken. */
interface Offers {
  /** Takes minutes of the offers that fit, the earliest first; how many are missing. */
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

/** The weeks that an allocation from this day on can take of. */
export function weeksFrom(firstDay: DayNumber): readonly WeekNumber[] {
  const first = weekOf(firstDay);
  const count = Math.min(ALLOCATION_WEEKS, weekOf(LAST_DAY) - first + 1);
  return Array.from({ length: count }, (_, index) => first + index);
}

function freeFrom(member: MemberTime, week: WeekNumber, firstDay: DayNumber): number {
  const free = freeMinutesOf(member, week);
  return week === weekOf(firstDay) ? shareFromDay(free, weekdayOf(firstDay)) : free;
}
