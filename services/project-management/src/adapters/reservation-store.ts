import type { Queries, Transaction } from '@rondo/database';
import type { CalendarDate, FilteredQuery, Page } from '@rondo/resources/domain';
import { type Listing, listPage, type StoreDatabase } from '@rondo/resources/sql';
import {
  type MemberWeek,
  type NewReservation,
  type Reservation,
  type ReservationParties,
  type ReservationStore,
  requireFree,
} from '../domain/reservation.js';
import {
  insertReservations,
  lockCapacity,
  lockMembers,
  lockWeeks,
  readWeeks,
  subtractReserved,
} from './member-weeks.js';
import {
  MEMBERS_COLUMNS,
  type MemberRow,
  PROJECTS_COLUMNS,
  type ProjectRow,
  RESERVATION_COLUMNS,
  RESERVATIONS_COLUMNS,
  type ReservationRow,
  toProject,
  toReservation,
} from './rows.js';

/** Stores reservations in PostgreSQL. */
export function createReservationStore(database: StoreDatabase): ReservationStore {
  return {
    create: (reservation, admit, toReply) =>
      database.transaction(async (transaction) => toReply(await create(transaction, reservation, admit))),
    async find({ memberId, reservationId }) {
      const sql = `SELECT ${RESERVATIONS_COLUMNS} FROM reservations WHERE id = $1 AND member_id = $2`;
      const row = await database.maybeOne<ReservationRow>(sql, [reservationId, memberId]);
      return row && toReservation(row);
    },
    list: (memberId, query) => list(database.reads, memberId, query),
    delete: ({ memberId, reservationId }) =>
      database.transaction(async (transaction) => {
        const sql = `DELETE FROM reservations WHERE id = $1 AND member_id = $2 RETURNING ${RESERVATIONS_COLUMNS}`;
        const rows = await transaction.query<ReservationRow>(sql, [reservationId, memberId]);
        await subtractReserved(transaction, rows);
        return rows.length > 0;
      }),
    weeks: (memberId, mondays) => database.inSnapshot((transaction) => weeks(transaction, memberId, mondays)),
  };
}

async function create(
  transaction: Transaction,
  reservation: NewReservation,
  admit: (parties: ReservationParties) => void,
): Promise<Reservation> {
  const { memberId, projectId, minutes } = reservation;
  await lockCapacity(transaction, 'shared');
  const locked = `SELECT ${PROJECTS_COLUMNS} FROM projects WHERE id = $1 FOR SHARE`;
  const project = await transaction.maybeOne<ProjectRow>(locked, [projectId]);
  const [member] = await lockMembers(transaction, [memberId]);
  admit({ member, project: project && toProject(project) });
  for (const week of await lockWeeks(transaction, [reservation])) requireFree(week, minutes);
  const [made] = await insertReservations(transaction, [reservation]);
  if (made === undefined) throw new Error('the INSERT of a reservation returned no row');
  return toReservation(made);
}

/** One week of reservations in `position`, which begins with the number of the week since 0001-01-01. */
const POSITIONS_A_WEEK = 2n ** 40n;

const LISTING: Listing = {
  table: 'reservations',
  order: 'the oldest first',
  position: 'position',
  columns: { project: 'project_id', week_start_date: 'week_start_date', minutes: 'minutes' },
  unindexed: ['minutes'],
  sorted: { week_start_date: 'position' },
  selected: RESERVATION_COLUMNS,
  sight: { value: '(SELECT team FROM projects WHERE projects.id = project_id)', indexed: false },
  chronological: {
    field: 'week_start_date',
    firstPosition: (comparator, value) =>
      `((${value}::date - DATE '0001-01-01') + ${comparator === '>' ? 7 : 6}) / 7 * ${POSITIONS_A_WEEK}`,
  },
};

/** The reservations of one member are read by the member's index, all others by that of the project if one is given. */
function list(database: Queries, memberId: string | undefined, query: FilteredQuery): Promise<Page<Reservation>> {
  const listing: Listing =
    memberId === undefined
      ? { ...LISTING, scannedBy: { field: 'project', withState: false } }
      : { ...LISTING, unindexed: ['minutes', 'project'], scope: { sql: 'member_id = $3', params: [memberId] } };
  return listPage<ReservationRow, Reservation>(
    database,
    { listing, query: { ...query, showDeleted: false } },
    toReservation,
  );
}

async function weeks(
  transaction: Transaction,
  memberId: string,
  mondays: readonly CalendarDate[],
): Promise<readonly MemberWeek[] | undefined> {
  const sql = `SELECT ${MEMBERS_COLUMNS} FROM members WHERE id = $1`;
  const member = await transaction.maybeOne<MemberRow>(sql, [memberId]);
  const [from, to] = [mondays[0], mondays.at(-1)];
  if (member === undefined || from === undefined || to === undefined) return undefined;
  const known = await readWeeks(transaction, memberId, { from, to });
  const byMonday = new Map(known.map((week) => [week.weekStartDate, week]));
  const capacityMinutes = member.weekly_capacity_minutes;
  return mondays.map(
    (weekStartDate) => byMonday.get(weekStartDate) ?? { memberId, weekStartDate, capacityMinutes, reservedMinutes: 0n },
  );
}
