import type { CalendarDate } from '../domain/calendar-date.js';
import { dateAt, dateOf, dayNumberOf, mondayOf, weekOf } from '../domain/planning/days.js';
import type { Ports } from '../domain/ports.js';
import type { MemberWeek } from '../domain/reservation.js';
import { foundMember } from './found.js';

/** Which weeks of whom. */
export interface ListMemberWeeks {
  readonly memberId: string;
  /** A day of the first; today where it is undefined. */
  readonly startDate: CalendarDate | undefined;
  readonly weekCount: number;
}

/** A member's weeks, one after another. @throws NotFound. */
export async function listMemberWeeks(
  { reservations, now }: Pick<Ports, 'reservations' | 'now'>,
  { memberId, startDate = dateAt(now()), weekCount }: ListMemberWeeks,
): Promise<readonly MemberWeek[]> {
  const first = weekOf(dayNumberOf(startDate));
  const mondays = Array.from({ length: weekCount }, (_, index) => dateOf(mondayOf(first + index)));
  return foundMember(await reservations.weeks(memberId, mondays), memberId);
}
