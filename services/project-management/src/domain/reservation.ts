import type { CalendarDate } from './calendar-date.js';
import { TooLittleFree } from './capacity-errors.js';
import { memberName } from './names.js';

/** What a caller says of a reservation. */
export interface ReservationFields {
  readonly memberId: string;
  readonly projectId: string;
  /** A Monday. */
  readonly weekStartDate: CalendarDate;
  readonly minutes: bigint;
}

/** A reservation to be made. */
export interface NewReservation extends ReservationFields {
  readonly id: string;
}

/** Some of a member's capacity in one week, kept for a project. */
export interface Reservation extends NewReservation {
  readonly createTime: Date;
}

/** Which week of whom. */
export interface WeekOfMember {
  readonly memberId: string;
  /** A Monday. */
  readonly weekStartDate: CalendarDate;
}

/** One week of a member. */
export interface MemberWeek extends WeekOfMember {
  readonly capacityMinutes: bigint;
  readonly reservedMinutes: bigint;
}

/** What is free of a week. */
export function freeOf({ capacityMinutes, reservedMinutes }: MemberWeek): bigint {
  return capacityMinutes - reservedMinutes;
}

/** @throws TooLittleFree where fewer minutes are. */
export function requireFree(week: MemberWeek, minutes: bigint): void {
  if (freeOf(week) < minutes) throw new TooLittleFree(memberName(week.memberId), week, minutes);
}
