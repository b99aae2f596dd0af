import {
  type CreateReservationRequest,
  type ListMemberWeeksRequest,
  type MemberWeek as MemberWeekMessage,
  Reservation as ReservationMessage,
} from '@rondo/contracts/projects/v1/team';
import { readDate, readRequestKey, toDateMessage } from '@rondo/resources';
import { checked, type FieldAt, type ReportFault, validate } from '@rondo/rpc/status';
import type { CalendarDate } from '../domain/calendar-date.js';
import { memberName, projectName, reservationName } from '../domain/names.js';
import { dateOf, dayName, dayNumberOf, LAST_DAY, mondayOf, weekOf } from '../domain/planning/days.js';
import type { RequestKey } from '../domain/request-key.js';
import { freeOf, type MemberWeek, type Reservation, type ReservationFields } from '../domain/reservation.js';
import { DEFAULT_WEEKS, reservedFault, weekCountFault } from '../domain/rules.js';
import type { ListMemberWeeks } from '../usecases/reservations.js';
import { readMemberName, readProjectName } from './names.js';

/** What `CreateReservation` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readCreateReservation({ parent, reservation, requestId }: CreateReservationRequest): {
  readonly fields: ReservationFields;
  readonly key: RequestKey | undefined;
} {
  return validate((field) => {
    const { project, weekStartDate, minutes } = reservation ?? ReservationMessage.fromPartial({});
    const fields = {
      memberId: readMemberName(field('parent'), parent),
      projectId: readProjectName(field('reservation.project'), project),
      weekStartDate: readMonday(field('reservation.week_start_date'), weekStartDate),
      minutes: checked(field('reservation.minutes'), minutes, reservedFault),
    };
    return { fields, key: readRequestKey(field('request_id'), requestId, fields) };
  });
}

/** What `ListMemberWeeks` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readListMemberWeeks({ parent, startDate, weekCount }: ListMemberWeeksRequest): ListMemberWeeks {
  return validate((field) => {
    const count = checked(field('week_count'), weekCount, weekCountFault) || DEFAULT_WEEKS;
    const start = readDate(field('start_date'), startDate);
    checkEnd(field, start, count);
    return { memberId: readMemberName(field('parent'), parent), startDate: start, weekCount: count };
  });
}

/** A reservation as the contract has it. */
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

/** A week as the contract has it. */
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
