import type { CalendarDate } from '@rondo/resources/domain';
import { TooLittleFree } from './capacity-errors.js';

/** Identifies a week of a member. */
export interface WeekOfMember {
  readonly memberId: string;
  /** A Monday. */
  readonly weekStartDate: CalendarDate;
}

/** A week of a member with its capacity and reserved minutes. */
export interface MemberWeek extends WeekOfMember {
  readonly capacityMinutes: bigint;
  readonly reservedMinutes: bigint;
}

/** Minutes of a member's week that are reserved, or released. */
export interface ReservedMinutes extends WeekOfMember {
  readonly minutes: bigint;
}

/** The free minutes of a week. */
export function freeOf({ capacityMinutes, reservedMinutes }: MemberWeek): bigint {
  return capacityMinutes - reservedMinutes;
}

/** @throws TooLittleFree if the week has fewer free minutes. */
export function requireFree(week: MemberWeek, minutes: bigint): void {
  if (freeOf(week) < minutes) throw new TooLittleFree(`members/${week.memberId}`, week, minutes);
}
