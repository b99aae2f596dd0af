import { type CalendarDate, dateAt, type FilteredQuery, type Page } from '@rondo/resources/domain';
import { UnknownProject } from '../domain/errors.js';
import { requireInTeam } from '../domain/member.js';
import { projectName, type ReservationId } from '../domain/names.js';
import { dateOf, dayNumberOf, mondayOf, weekOf } from '../domain/planning/days.js';
import type { Ports } from '../domain/ports.js';
import { requireOpen } from '../domain/project.js';
import type { MemberWeek, Reservation, ReservationFields, ReservationParties } from '../domain/reservation.js';
import { foundMember, foundReservation } from './found.js';

/** Reserves time. @throws NotFound, MemberDeleted, UnknownProject, ProjectDeleted, ProjectArchived, TooLittleFree. */
export function createReservation<R>(
  { reservations, newId }: Pick<Ports, 'reservations' | 'newId'>,
  fields: ReservationFields,
  toReply: (reservation: Reservation) => R,
): Promise<R> {
  const admit = ({ member, project }: ReservationParties): void => {
    requireInTeam(foundMember(member, fields.memberId));
    if (project === undefined) throw new UnknownProject(projectName(fields.projectId));
    requireOpen(project);
  };
  return reservations.create({ ...fields, id: newId() }, admit, toReply);
}

/** One reservation. @throws NotFound. */
export async function getReservation(
  { reservations }: Pick<Ports, 'reservations'>,
  id: ReservationId,
): Promise<Reservation> {
  return foundReservation(await reservations.find(id), id);
}

/** Which reservations to list. */
interface ListReservations {
  /** Undefined for the reservations of all members. */
  readonly memberId: string | undefined;
  readonly query: FilteredQuery;
}

/** One page of reservations, the earliest weeks first. @throws NotFound if there is no such member. */
export async function listReservations(
  { members, reservations }: Pick<Ports, 'members' | 'reservations'>,
  { memberId, query }: ListReservations,
): Promise<Page<Reservation>> {
  const page = await reservations.list(memberId, query);
  if (memberId !== undefined && page.items.length === 0) foundMember(await members.find(memberId), memberId);
  return page;
}

/** Deletes a reservation, which frees its minutes. @throws NotFound. */
export async function deleteReservation(
  { reservations }: Pick<Ports, 'reservations'>,
  id: ReservationId,
): Promise<void> {
  const deleted = await reservations.delete(id);
  foundReservation(deleted ? id : undefined, id);
}

/** The member and the weeks to list. */
export interface ListMemberWeeks {
  readonly memberId: string;
  /** A day of the first week; by default today. */
  readonly startDate: CalendarDate | undefined;
  readonly weekCount: number;
}

/** Consecutive weeks of a member. @throws NotFound. */
export async function listMemberWeeks(
  { reservations, now }: Pick<Ports, 'reservations' | 'now'>,
  { memberId, startDate = dateAt(now()), weekCount }: ListMemberWeeks,
): Promise<readonly MemberWeek[]> {
  const first = weekOf(dayNumberOf(startDate));
  const mondays = Array.from({ length: weekCount }, (_, index) => dateOf(mondayOf(first + index)));
  return foundMember(await reservations.weeks(memberId, mondays), memberId);
}
