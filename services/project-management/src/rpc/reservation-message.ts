import {
  type CreateReservationRequest,
  type ListMemberWeeksRequest,
  type ListReservationsRequest,
  type MemberWeek as MemberWeekMessage,
  Reservation as ReservationMessage,
  type WatchReservationsRequest,
  type WatchReservationsResponse,
} from '@rondo/contracts/projects/v1/team';
import { idIn, type List, nextPageToken, readDate, readList, toDateMessage } from '@rondo/resources';
import type { CalendarDate, Place, ResourceEvent } from '@rondo/resources/domain';
import type { FieldAt, ReportFault } from '@rondo/rpc/status';
import { memberName, memberNames, projectName, projectNames, reservationName } from '../domain/names.js';
import { dateOf, dayName, dayNumberOf, LAST_DAY, mondayOf, weekOf } from '../domain/planning/days.js';
import { freeOf, type MemberWeek, type Reservation, type ReservationFields } from '../domain/reservation.js';
import type { ListMemberWeeks } from '../usecases/reservations.js';
import { readMemberName, readProjectName } from './names.js';

/** The number of weeks that are listed if a request doesn't say how many. */
const DEFAULT_WEEKS = 8;

/** The parent that lists the reservations of all members. */
const ALL_MEMBERS = 'members/-';

/** Reads which reservations are listed. `tokenOf` makes the token of the next page. */
export function readListReservations(request: ListReservationsRequest, field: FieldAt) {
  const { parent } = request;
  const list = reservationsOf(parent);
  return {
    memberId: parent === ALL_MEMBERS ? undefined : readMemberName(field('parent'), parent),
    query: readList(field, list, request),
    tokenOf: (next: Place | undefined) => nextPageToken(list, request, next),
  };
}

/** The member whose reservations are watched; undefined for all members. */
export function memberWatched({ parent }: WatchReservationsRequest): string | undefined {
  return parent === ALL_MEMBERS ? undefined : idIn(memberNames, parent);
}

/** The fields by which the reservations of a member can be filtered and sorted. */
function reservationsOf(parent: string): List {
  const fields = {
    project: { kind: 'name', pattern: projectNames.pattern, read: projectNames.parse },
    week_start_date: { kind: 'date' },
    minutes: { kind: 'integer' },
  } as const;
  return { collection: `${parent}/reservations`, fields, sortable: ['week_start_date'] };
}

export function readCreateReservation(
  { parent, reservation }: CreateReservationRequest,
  field: FieldAt,
): ReservationFields {
  const { project, weekStartDate, minutes } = reservation ?? ReservationMessage.fromPartial({});
  return {
    memberId: readMemberName(field('parent'), parent),
    projectId: readProjectName(field('reservation.project'), project),
    weekStartDate: readMonday(field('reservation.week_start_date'), weekStartDate),
    minutes,
  };
}

export function readListMemberWeeks(
  { parent, startDate, weekCount }: ListMemberWeeksRequest,
  field: FieldAt,
): ListMemberWeeks {
  const count = weekCount || DEFAULT_WEEKS;
  const start = readDate(field('start_date'), startDate);
  checkEnd(field, start, count);
  return { memberId: readMemberName(field('parent'), parent), startDate: start, weekCount: count };
}

export function toReservationMessage(reservation: Reservation): ReservationMessage {
  const { id: reservationId, memberId, projectId, weekStartDate, minutes, createTime } = reservation;
  return {
    name: reservationName({ memberId, reservationId }),
    project: projectName(projectId),
    weekStartDate: toDateMessage(weekStartDate),
    minutes,
    createTime,
  };
}

export function toReservationsEventMessage(event: ResourceEvent<Reservation>): WatchReservationsResponse {
  const { resumeToken } = event;
  if (event.kind === 'removed') {
    const { id: reservationId, memberId } = event.item;
    return { event: { $case: 'reservationDeleted', value: reservationName({ memberId, reservationId }) }, resumeToken };
  }
  if (event.kind !== 'snapshot') {
    return { event: { $case: 'reservationChanged', value: toReservationMessage(event.item) }, resumeToken };
  }
  const { items, first, more } = event;
  return {
    event: { $case: 'snapshot', value: { reservations: items.map(toReservationMessage), first, more } },
    resumeToken,
  };
}

export function toMemberWeekMessage(week: MemberWeek): MemberWeekMessage {
  const { memberId, weekStartDate, capacityMinutes, reservedMinutes } = week;
  return {
    member: memberName(memberId),
    weekStartDate: toDateMessage(weekStartDate),
    capacityMinutes,
    reservedMinutes,
    freeMinutes: freeOf(week),
  };
}

function readMonday(report: ReportFault, message: ReservationMessage['weekStartDate']): CalendarDate {
  if (message === undefined) report('is required: the Monday of a week');
  const date = readDate(report, message);
  if (date === undefined) return '0001-01-01';
  const day = dayNumberOf(date);
  const monday = mondayOf(weekOf(day));
  if (day !== monday) report(`must be a Monday; ${date} is a ${dayName(day)}, whose week begins on ${dateOf(monday)}`);
  return date;
}

function checkEnd(field: FieldAt, start: CalendarDate | undefined, count: number): void {
  if (start === undefined || weekOf(dayNumberOf(start)) + count - 1 <= weekOf(LAST_DAY)) return;
  field('week_count')(`must not reach beyond the year 9999; from ${start} it is ${count}`);
}
