import {
  type ListMemberWeeksRequest,
  type MemberWeek as MemberWeekMessage,
  Reservation,
  TeamServiceDefinition,
} from '@rondo/contracts/projects/v1/team';
import type { Queries, Transaction } from '@rondo/database';
import { defineResource, readDate, reference, standardMethods, toDateMessage } from '@rondo/resources';
import { type CalendarDate, dateAt } from '@rondo/resources/domain';
import { type Handlers, reading } from '@rondo/rpc/server';
import type { FieldAt } from '@rondo/rpc/status';
import { ofTeam } from './access.js';
import { UnknownProject } from './domain/errors.js';
import { freeOf, type MemberWeek, requireFree } from './domain/member-week.js';
import { dateOf, dayName, dayNumberOf, LAST_DAY, mondayOf, weekOf } from './domain/planning/days.js';
import { errors } from './errors.js';
import { addReserved, lockCapacity, lockWeeks, readWeeks, subtractReserved } from './member-weeks.js';
import { members, type TeamContext } from './members.js';
import { lockProject, requireOpen } from './projects.js';

/** One week of reservations in `position`, which begins with the number of the week since 0001-01-01. */
const POSITIONS_A_WEEK = 2n ** 40n;

/** Reservations: minutes of a member's week for a project. Who sees the project sees them. */
export const reservations = defineResource(Reservation, {
  table: 'reservations',
  columns: { project: reference('projects/{project}', 'project_id') },
  filter: ['project', 'weekStartDate', 'minutes'],
  sort: ['weekStartDate'],
  visibleTo: ofTeam,
  whenMissing: 'list the reservations of a member with ListReservations',
  list: {
    order: 'the oldest first',
    position: 'position',
    sorted: { week_start_date: 'position' },
    unindexed: ['minutes'],
    scannedBy: { field: 'project', withState: false },
    chronological: {
      field: 'week_start_date',
      firstPosition: (comparator, value) =>
        `((${value}::date - DATE '0001-01-01') + ${comparator === '>' ? 7 : 6}) / 7 * ${POSITIONS_A_WEEK}`,
    },
    // The reservations of a member are read along an index of the member's, whatever else is asked for.
    ofParent: { unindexed: ['minutes', 'project'], visible: { value: 'team', indexed: false } },
  },
});

/** The methods of reservations, and of the weeks that they fill. */
export function reservationMethods({ now, ...context }: TeamContext) {
  const { database } = context;
  const standard = standardMethods(TeamServiceDefinition, reservations, {
    ...context,
    check: ({ weekStartDate }, field) =>
      checkMonday(
        field,
        readDate(() => undefined, weekStartDate),
      ),
    async beforeCreate({ name, project = '', minutes = 0n, weekStartDate }, { tx }) {
      await lockCapacity(tx, 'shared');
      const locked = await lockProject(tx, project, 'SHARE');
      const memberId = await lockMember(tx, name);
      if (locked === undefined) throw new UnknownProject(project);
      requireOpen(locked);
      const week = { memberId, weekStartDate: dayIn(weekStartDate) };
      for (const found of await lockWeeks(tx, [week])) requireFree(found, minutes);
      await addReserved(tx, [{ ...week, minutes }]);
      return undefined;
    },
    async beforeDelete({ name, weekStartDate, minutes }, { tx }) {
      const [memberId = ''] = reservations.idsIn(name);
      await subtractReserved(tx, [{ memberId, weekStartDate: dayIn(weekStartDate), minutes }]);
    },
    async afterList(page, { parents: [memberId] }) {
      if (memberId !== undefined && page.items.length === 0) await members.get(database, members.nameOf(memberId));
      return page;
    },
  });
  const listMemberWeeks: Handlers<typeof TeamServiceDefinition>['listMemberWeeks'] = reading(
    readListMemberWeeks,
    async ({ parent, startDate = dateAt(now()), weekCount }) => {
      const first = weekOf(dayNumberOf(startDate));
      const mondays = Array.from({ length: weekCount }, (_, index) => dateOf(mondayOf(first + index)));
      const weeks = database.inSnapshot((tx) => readAllWeeks(tx, parent, mondays));
      return { weeks: (await errors.withRpcErrors(weeks)).map(toMessage) };
    },
  );
  return { ...standard, listMemberWeeks };
}

const dayIn = (date: Reservation['weekStartDate']): CalendarDate => readDate(() => undefined, date) ?? '';

/** Locks the member of a reservation against a change of its capacity. Returns the member's id. */
async function lockMember(tx: Transaction, reservation: string): Promise<string> {
  const [memberId = ''] = reservations.idsIn(reservation);
  const row = await tx.maybeOne<Record<string, unknown>>(`${members.select} WHERE id = $1 FOR KEY SHARE`, [memberId]);
  if (row === undefined) throw members.missing(members.nameOf(memberId));
  members.requireLive(members.toResource(row));
  return memberId;
}

function checkMonday(field: FieldAt, date: CalendarDate | undefined): void {
  if (date === undefined) return;
  const day = dayNumberOf(date);
  const monday = mondayOf(weekOf(day));
  if (day === monday) return;
  field('week_start_date')(`must be a Monday; ${date} is a ${dayName(day)}, whose week begins on ${dateOf(monday)}`);
}

/** The number of weeks that are listed if a request doesn't say how many. */
const DEFAULT_WEEKS = 8;

function readListMemberWeeks({ parent, startDate, weekCount }: ListMemberWeeksRequest, field: FieldAt) {
  const count = weekCount || DEFAULT_WEEKS;
  const start = readDate(field('start_date'), startDate);
  if (start !== undefined && weekOf(dayNumberOf(start)) + count - 1 > weekOf(LAST_DAY))
    field('week_count')(`must not reach beyond the year 9999; from ${start} it is ${count}`);
  return { parent, startDate: start, weekCount: count };
}

/** Weeks of a member, also those of which nothing was ever reserved. @throws NotFound */
async function readAllWeeks(
  queries: Queries,
  member: string,
  mondays: readonly CalendarDate[],
): Promise<readonly MemberWeek[]> {
  const { weeklyCapacityMinutes: capacityMinutes } = await members.get(queries, member);
  const [memberId = ''] = members.idsIn(member);
  const known = await readWeeks(queries, memberId, { from: mondays[0] ?? '', to: mondays.at(-1) ?? '' });
  const byMonday = new Map(known.map((week) => [week.weekStartDate, week]));
  return mondays.map(
    (weekStartDate) => byMonday.get(weekStartDate) ?? { memberId, weekStartDate, capacityMinutes, reservedMinutes: 0n },
  );
}

function toMessage(week: MemberWeek): MemberWeekMessage {
  const { memberId, weekStartDate, capacityMinutes, reservedMinutes } = week;
  return {
    member: members.nameOf(memberId),
    weekStartDate: toDateMessage(weekStartDate),
    capacityMinutes,
    reservedMinutes,
    freeMinutes: freeOf(week),
  };
}
