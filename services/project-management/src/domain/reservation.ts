import type { CalendarDate, FilteredQuery, Page } from '@rondo/resources/domain';
import { TooLittleFree } from './capacity-errors.js';
import type { Member } from './member.js';
import { memberName, type ReservationId } from './names.js';
import type { Project } from './project.js';

/** The fields of a reservation that a caller sets. */
export interface ReservationFields {
  readonly memberId: string;
  readonly projectId: string;
  /** A Monday. */
  readonly weekStartDate: CalendarDate;
  readonly minutes: bigint;
}

/** A reservation before it is stored. */
export interface NewReservation extends ReservationFields {
  readonly id: string;
}

/** Minutes of a member's capacity in one week that are reserved for a project. */
export interface Reservation extends NewReservation {
  readonly createTime: Date;
}

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

/** Stores reservations and the reserved minutes of each week. */
export interface ReservationStore {
  /** Creates a reservation unless `admit` throws. Rejects with that error, or with `TooLittleFree`. */
  create<R>(
    reservation: NewReservation,
    admit: (parties: ReservationParties) => void,
    toReply: (reservation: Reservation) => R,
  ): Promise<R>;
  find(id: ReservationId): Promise<Reservation | undefined>;
  /** The earliest weeks first, of one member, or of all members if `memberId` is undefined. */
  list(memberId: string | undefined, query: FilteredQuery): Promise<Page<Reservation>>;
  /** Deletes a reservation, which frees its minutes. Returns whether it existed. */
  delete(id: ReservationId): Promise<boolean>;
  /** The weeks that begin with these Mondays, in their order; undefined if there is no such member. */
  weeks(memberId: string, mondays: readonly CalendarDate[]): Promise<readonly MemberWeek[] | undefined>;
}

/** The member and the project of a new reservation, both locked. Undefined if they don't exist. */
export interface ReservationParties {
  readonly member: Member | undefined;
  readonly project: Project | undefined;
}

export function freeOf({ capacityMinutes, reservedMinutes }: MemberWeek): bigint {
  return capacityMinutes - reservedMinutes;
}

/** @throws TooLittleFree if the week has fewer free minutes. */
export function requireFree(week: MemberWeek, minutes: bigint): void {
  if (freeOf(week) < minutes) throw new TooLittleFree(memberName(week.memberId), week, minutes);
}
