import type { CalendarDate } from './calendar-date.js';
import type { Member, NewMember } from './member.js';
import type { ReservationId } from './names.js';
import type { FilteredQuery, ListQuery, Page } from './page.js';
import type { NewProject, Project } from './project.js';
import type { RequestKey } from './request-key.js';
import type { MemberWeek, NewReservation, Reservation, WeekOfMember } from './reservation.js';
import type { NewTask } from './task.js';

/** Where members are kept; what every store does stands at `ProjectStore`. */
export interface MemberStore {
  /** Rejects with `EmailTaken`. */
  create(member: NewMember, key: RequestKey | undefined): Promise<Member>;
  /** Finds deleted ones, too. */
  find(id: string): Promise<Member | undefined>;
  /** The newest first. */
  list(query: ListQuery): Promise<Page<Member>>;
  /**
   * As `ProjectStore.update`. Rejects with `EmailTaken`, and with `MoreReserved` where more of a week from `thisWeek` on
   * is reserved than the new capacity.
   */
  update(id: string, decide: (member: Member) => Member, thisWeek: CalendarDate): Promise<Member | undefined>;
  /**
   * Deletes a member, unless `admit` throws or they are deleted already. Rejects with `StillReserved` where time of theirs
   * from `thisWeek` on is.
   */
  remove(id: string, admit: (member: Member) => void, thisWeek: CalendarDate): Promise<Member | undefined>;
  /** Brings a deleted member back. Rejects with `EmailTaken`. */
  restore(id: string): Promise<Member | undefined>;
}

/** Who and what a reservation is for, which nobody changes meanwhile; undefined where there is none. */
export interface ReservationParties {
  readonly member: Member | undefined;
  readonly project: Project | undefined;
}

/** Where reservations are kept, and how much of each week they take. */
export interface ReservationStore {
  /** Reserves, unless `admit` throws. Rejects with what it throws, or `TooLittleFree`. */
  create(
    reservation: NewReservation,
    admit: (parties: ReservationParties) => void,
    key: RequestKey | undefined,
  ): Promise<Reservation>;
  find(id: ReservationId): Promise<Reservation | undefined>;
  /** The earliest weeks first, of one member or of all. */
  list(memberId: string | undefined, query: FilteredQuery): Promise<Page<Reservation>>;
  /** Releases it; whether there was one. */
  remove(id: ReservationId): Promise<boolean>;
  /** The weeks with these Mondays, in their order; undefined where there is no such member. */
  weeks(memberId: string, mondays: readonly CalendarDate[]): Promise<readonly MemberWeek[] | undefined>;
}

/** What a delivery reads and writes, all of it in one transaction. Its calls follow each other in this order. */
export interface DeliveryStore {
  /** The team, the oldest first, whose capacity nobody changes from now on. */
  lockTeam(): Promise<readonly Member[]>;
  /** Creates a project with its tasks. Rejects with `UnknownReferences`, or `ProjectExists`. */
  createProject(project: NewProject, tasks: readonly NewTask[]): Promise<Project>;
  /** What is reserved of the weeks of these Mondays, as of now; those of which nothing is may be missing. */
  reservedWeeks(mondays: Period): Promise<readonly MemberWeek[]>;
  /** Keeps others from these weeks, and says what is reserved of them. Each call is for later weeks than the last. */
  lockWeeks(weeks: readonly WeekOfMember[]): Promise<readonly MemberWeek[]>;
  /** Reserves time of weeks that are locked. */
  reserve(reservations: readonly NewReservation[]): Promise<readonly Reservation[]>;
}

/** From one day to another, both included. */
export interface Period {
  readonly from: CalendarDate;
  readonly to: CalendarDate;
}
