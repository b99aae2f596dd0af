import { type DayNumber, LAST_DAY, shareFromDay, type WeekNumber, weekdayOf, weekOf } from './days.js';

/** Two years. */
export const ALLOCATION_WEEKS = 104;

/** The effort for which time is reserved. */
export interface Effort {
  /** The minutes of assigned tasks, by the assignee's member id. */
  readonly ofMembers: ReadonlyMap<string, number>;
  /** The minutes of unassigned tasks, which any member may do. */
  readonly unassigned: number;
}

/** Free minutes of a member's week. */
export interface Offer {
  readonly memberId: string;
  readonly week: WeekNumber;
  /** The member's place in the order of the team, in which the oldest is first. */
  readonly memberSequence: bigint;
  free: number;
  /** The allocated minutes. */
  taken: number;
}

/** The free minutes of a team, read as far as they are needed. Both methods yield the same offers. */
export interface Offers {
  /** The offers of one member, the earliest week first. */
  ofMember(memberId: string): AsyncIterable<Offer>;
  /** All offers: the earliest week first, in each week the oldest member first. */
  all(): AsyncIterable<Offer>;
}

/** The allocated offers, the earliest week first, in each week the oldest member first; or the number of minutes that don't fit. */
export type Allocation =
  | { readonly kind: 'allocated'; readonly shares: readonly Offer[] }
  | { readonly kind: 'short'; readonly missingMinutes: number };

/**
 * Spreads effort over the free minutes of a team's weeks, the earliest first, to the minute:
 *
 * - Assigned effort comes first. It takes all free minutes of the assignee's weeks, one week after another. Then comes
 *   unassigned effort: week after week, and in each week the oldest member first, it takes all free minutes.
 * - In the first week only the days from the first day on count (see `freeFrom`).
 * - Effort that doesn't fit into 104 weeks, counted from the week of the first day, is missing. The whole effort of an
 *   assignee that isn't in the team is missing.
 */
export async function allocate({ ofMembers, unassigned }: Effort, offers: Offers): Promise<Allocation> {
  const taken = new Set<Offer>();
  const take = async (minutes: number, from: AsyncIterable<Offer>): Promise<number> => {
    if (minutes === 0) return 0;
    let missing = minutes;
    for await (const offer of from) {
      const part = Math.min(missing, offer.free - offer.taken);
      if (part > 0) taken.add(offer);
      offer.taken += part;
      missing -= part;
      if (missing === 0) break;
    }
    return missing;
  };
  let missingMinutes = 0;
  for (const [memberId, minutes] of ofMembers) missingMinutes += await take(minutes, offers.ofMember(memberId));
  missingMinutes += await take(unassigned, offers.all());
  if (missingMinutes > 0) return { kind: 'short', missingMinutes };
  return { kind: 'allocated', shares: [...taken].sort(inOrder) };
}

function inOrder(one: Offer, other: Offer): number {
  return one.week - other.week || (one.memberSequence < other.memberSequence ? -1 : 1);
}

/** The weeks that an allocation from this day on can use. */
export function weeksFrom(firstDay: DayNumber): readonly WeekNumber[] {
  const first = weekOf(firstDay);
  const count = Math.min(ALLOCATION_WEEKS, weekOf(LAST_DAY) - first + 1);
  return Array.from({ length: count }, (_, index) => first + index);
}

/** The part of a week's free minutes that is left from the first day on. Each day from Monday to Friday has a fifth. */
export function freeFrom(free: number, week: WeekNumber, firstDay: DayNumber): number {
  return week === weekOf(firstDay) ? shareFromDay(free, weekdayOf(firstDay)) : free;
}
