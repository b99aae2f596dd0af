import type { Queries, Transaction } from '@rondo/database';
import type { CalendarDate } from '@rondo/resources/domain';
import type { ReservedWeek } from '../domain/capacity-errors.js';
import type { Period } from '../domain/ports.js';
import type { MemberWeek, NewReservation, Reservation, WeekOfMember } from '../domain/reservation.js';
import {
  MEMBERS_COLUMNS,
  type MemberRow,
  type MemberWeekRow,
  RESERVATIONS_COLUMNS,
  type ReservationRow,
  toMember,
  toMemberWeek,
  toReservation,
} from './rows.js';

/**
 * Changes of reserved minutes lock rows in one order, so that they can't deadlock: first the project, then members by
 * id (FOR SHARE; a change of a member locks it FOR UPDATE), then weeks by Monday and member.
 */

/** Locks members, deleted ones too, or the whole team if `ids` is undefined. Returns them, the oldest first. */
export async function lockMembers(transaction: Transaction, ids: readonly string[] | undefined) {
  const which = ids === undefined ? 'delete_time IS NULL' : 'id = ANY($1)';
  const sql = `SELECT ${MEMBERS_COLUMNS} FROM members WHERE ${which} ORDER BY id FOR SHARE`;
  const rows = await transaction.query<MemberRow>(sql, ids === undefined ? [] : [ids]);
  return [...rows].sort((a, b) => (a.sequence < b.sequence ? -1 : 1)).map(toMember);
}

/**
 * Rows are inserted or locked in the order of the SELECT. A lock is an UPDATE that changes nothing. Separate statements
 * to insert and to lock would pass through the order twice.
 */
const LOCK_WEEKS = `
  INSERT INTO member_weeks (member_id, week_start_date, capacity_minutes)
  SELECT members.id, given.week_start_date, members.weekly_capacity_minutes
  FROM unnest($1::text[], $2::date[]) AS given (member_id, week_start_date) JOIN members ON members.id = given.member_id
  ORDER BY given.week_start_date, members.id
  ON CONFLICT (member_id, week_start_date) DO UPDATE SET reserved_minutes = member_weeks.reserved_minutes
  RETURNING member_id, week_start_date, coalesce(capacity_minutes, final_capacity_minutes) AS capacity, reserved_minutes`;

/** Locks weeks of members that are locked. */
export async function lockWeeks(transaction: Transaction, weeks: readonly WeekOfMember[]): Promise<MemberWeek[]> {
  const columns = [weeks.map(({ memberId }) => memberId), weeks.map(({ weekStartDate }) => weekStartDate)];
  return (await transaction.query<MemberWeekRow>(LOCK_WEEKS, columns)).map(toMemberWeek);
}

const ADD = `
  UPDATE member_weeks SET reserved_minutes = reserved_minutes + given.minutes
  FROM (
    SELECT member_id, week_start_date, sum(minutes)::bigint AS minutes
    FROM unnest($1::text[], $2::date[], $3::bigint[]) AS each (member_id, week_start_date, minutes) GROUP BY 1, 2
  ) AS given
  WHERE member_weeks.member_id = given.member_id AND member_weeks.week_start_date = given.week_start_date`;

interface ReservedMinutes extends WeekOfMember {
  readonly minutes: bigint;
}

/** Adds to the reserved minutes of locked weeks; negative minutes reduce them. */
async function addReserved(transaction: Transaction, added: readonly ReservedMinutes[]): Promise<void> {
  await transaction.query(ADD, [
    added.map(({ memberId }) => memberId),
    added.map(({ weekStartDate }) => weekStartDate),
    added.map(({ minutes }) => minutes),
  ]);
}

const INSERT = `
  INSERT INTO reservations (id, member_id, week_start_date, project_id, minutes)
  SELECT id, member_id, week_start_date, project_id, minutes
  FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::bigint[]) WITH ORDINALITY
    AS given (id, member_id, week_start_date, project_id, minutes, place)
  ORDER BY place RETURNING ${RESERVATIONS_COLUMNS}`;

/** Reserves time of weeks that are locked. */
export async function insertReservations(
  transaction: Transaction,
  reservations: readonly NewReservation[],
): Promise<ReservationRow[]> {
  await addReserved(transaction, reservations);
  return transaction.query<ReservationRow>(INSERT, [
    reservations.map(({ id }) => id),
    reservations.map(({ memberId }) => memberId),
    reservations.map(({ weekStartDate }) => weekStartDate),
    reservations.map(({ projectId }) => projectId),
    reservations.map(({ minutes }) => minutes),
  ]);
}

/** Deletes all reservations for a project, whose row the transaction has locked. */
export async function releaseProject(transaction: Transaction, projectId: string): Promise<void> {
  const sql = `DELETE FROM reservations WHERE project_id = $1 RETURNING ${RESERVATIONS_COLUMNS}`;
  await subtractReserved(transaction, await transaction.query<ReservationRow>(sql, [projectId]));
}

/** Subtracts the minutes of deleted reservations from their weeks. */
export async function subtractReserved(transaction: Transaction, rows: readonly ReservationRow[]): Promise<void> {
  if (rows.length === 0) return;
  const deleted: readonly Reservation[] = rows.map(toReservation);
  await lockMembers(transaction, [...new Set(deleted.map(({ memberId }) => memberId))]);
  await lockWeeks(transaction, distinct(deleted));
  await addReserved(
    transaction,
    deleted.map(({ memberId, weekStartDate, minutes }) => ({ memberId, weekStartDate, minutes: -minutes })),
  );
}

/** One entry per week, as an upsert mustn't have the same row twice. */
function distinct(weeks: readonly WeekOfMember[]): readonly WeekOfMember[] {
  return [...new Map(weeks.map((week) => [`${week.memberId} ${week.weekStartDate}`, week])).values()];
}

/** Reads the stored weeks of a period, of one member or of all. A week is stored from its first reservation on. */
export async function readWeeks(
  queries: Queries,
  { from, to }: Period,
  memberId: string | undefined,
): Promise<readonly MemberWeek[]> {
  const sql = `
    SELECT member_id, week_start_date, coalesce(capacity_minutes, final_capacity_minutes) AS capacity, reserved_minutes
    FROM member_weeks WHERE week_start_date BETWEEN $1 AND $2 AND ($3::text IS NULL OR member_id = $3)
    ORDER BY week_start_date, member_id`;
  return (await queries.query<MemberWeekRow>(sql, [from, to, memberId ?? null])).map(toMemberWeek);
}

/** The weeks of a member from a Monday on with more than `minutes` reserved, the earliest first. */
export async function weeksWithMoreThan(
  transaction: Transaction,
  { memberId, minutes, from }: { readonly memberId: string; readonly minutes: bigint; readonly from: CalendarDate },
): Promise<readonly ReservedWeek[]> {
  const rows = await transaction.query<{ week_start_date: string; reserved_minutes: bigint }>(
    `SELECT week_start_date, reserved_minutes FROM member_weeks
     WHERE member_id = $1 AND reserved_minutes > $2 AND week_start_date >= $3 ORDER BY week_start_date`,
    [memberId, minutes, from],
  );
  return rows.map((row) => ({ weekStartDate: row.week_start_date, reservedMinutes: row.reserved_minutes }));
}

/** Fixes the capacity of past weeks, so that it doesn't change with the member's capacity. */
export async function closeWeeksBefore(
  transaction: Transaction,
  memberId: string,
  monday: CalendarDate,
): Promise<void> {
  await transaction.query(
    `UPDATE member_weeks SET final_capacity_minutes = capacity_minutes, capacity_minutes = NULL
     WHERE member_id = $1 AND week_start_date < $2 AND capacity_minutes IS NOT NULL`,
    [memberId, monday],
  );
}
