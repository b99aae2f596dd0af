import type { Queries, Transaction } from '@rondo/database';
import type { CalendarDate } from '@rondo/resources/domain';
import type { ReservedWeek } from './domain/capacity-errors.js';
import type { MemberWeek, ReservedMinutes, WeekOfMember } from './domain/member-week.js';

/**
 * Changes of reserved minutes lock in one order, so that they can't deadlock: first the capacity of the team, then the
 * project, then members by id (FOR KEY SHARE), then weeks by Monday and, in a week, the oldest member first.
 */

/** The key of the advisory lock of the team's capacity. */
const TEAM_CAPACITY = 5_202_611_290n;

/**
 * Locks the capacity of all members until the transaction has ended, also if it is prepared. Transactions that reserve time share
 * the lock; a transaction that changes a member's capacity, or deletes a member, holds it exclusively. It is an advisory lock
 * because advisory locks have a fair queue. With a row lock, new readers would overtake a waiting change again and again.
 */
export async function lockCapacity(transaction: Transaction, mode: 'shared' | 'exclusive'): Promise<void> {
  const lock = mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
  await transaction.query(`SELECT FROM ${lock}($1)`, [TEAM_CAPACITY]);
}

/** A row of `member_weeks`. `capacity` is its final capacity, or, without one, that of the member. */
interface MemberWeekRow {
  readonly member_id: string;
  readonly week_start_date: string;
  readonly capacity: bigint;
  readonly reserved_minutes: bigint;
}

function toMemberWeek({ member_id, week_start_date, capacity, reserved_minutes }: MemberWeekRow): MemberWeek {
  return {
    memberId: member_id,
    weekStartDate: week_start_date,
    capacityMinutes: capacity,
    reservedMinutes: reserved_minutes,
  };
}

const FREE_WEEKS = `
  SELECT given.week_start_date, offer.member_id, offer.sequence, offer.capacity, offer.reserved_minutes
  FROM unnest($1::date[]) AS given (week_start_date) CROSS JOIN LATERAL (
    SELECT members.id AS member_id, members.sequence, weekly_capacity_minutes AS capacity,
      coalesce(reserved_minutes, 0) AS reserved_minutes
    FROM members LEFT JOIN member_weeks
      ON member_weeks.member_id = members.id AND member_weeks.week_start_date = given.week_start_date
    WHERE delete_time IS NULL AND sequence > $2 AND ($3::text IS NULL OR members.id = $3)
      AND weekly_capacity_minutes > coalesce(reserved_minutes, 0)
    ORDER BY sequence LIMIT $4
  ) AS offer
  ORDER BY given.week_start_date, offer.sequence`;

/** Which weeks with free minutes to read. */
interface FreeWeeksQuery {
  readonly mondays: readonly CalendarDate[];
  /** Only of members after this place in the order of the team; 0 for all. */
  readonly after: bigint;
  /** Only of this member; undefined for all. */
  readonly memberId: string | undefined;
  /** The most members in each week. */
  readonly limit: number;
}

/** A week of a member with free minutes. */
export interface FreeWeek extends MemberWeek {
  /** The member's place in the order of the team, in which the oldest is first. */
  readonly memberSequence: bigint;
}

/** Reads the weeks in which members of the team have free minutes, without a lock. */
export async function readFreeWeeks(
  transaction: Transaction,
  { mondays, after, memberId, limit }: FreeWeeksQuery,
): Promise<readonly FreeWeek[]> {
  const params = [mondays, after, memberId ?? null, limit];
  const rows = await transaction.query<MemberWeekRow & { readonly sequence: bigint }>(FREE_WEEKS, params);
  return rows.map((row) => ({ ...toMemberWeek(row), memberSequence: row.sequence }));
}

/**
 * Inserts missing weeks and locks the others, row by row in the order of the SELECT. Because of the WHERE, the update of an
 * existing row locks it but changes nothing. Two statements, to insert and to lock, would break the order of locks.
 */
const LOCK_WEEKS = `
  INSERT INTO member_weeks (member_id, week_start_date, capacity_minutes)
  SELECT members.id, given.week_start_date, members.weekly_capacity_minutes
  FROM unnest($1::text[], $2::date[]) AS given (member_id, week_start_date) JOIN members ON members.id = given.member_id
  ORDER BY given.week_start_date, members.sequence
  ON CONFLICT (member_id, week_start_date) DO UPDATE SET reserved_minutes = 0 WHERE FALSE`;

const LOCKED_WEEKS = `
  SELECT member_id, week_start_date, coalesce(capacity_minutes, final_capacity_minutes) AS capacity, reserved_minutes
  FROM member_weeks JOIN unnest($1::text[], $2::date[]) AS given (member_id, week_start_date)
    USING (member_id, week_start_date)`;

/** Locks weeks of members that are locked. */
export async function lockWeeks(transaction: Transaction, weeks: readonly WeekOfMember[]): Promise<MemberWeek[]> {
  const columns = [weeks.map(({ memberId }) => memberId), weeks.map(({ weekStartDate }) => weekStartDate)];
  await transaction.query(LOCK_WEEKS, columns);
  return (await transaction.query<MemberWeekRow>(LOCKED_WEEKS, columns)).map(toMemberWeek);
}

const ADD = `
  UPDATE member_weeks SET reserved_minutes = reserved_minutes + given.minutes
  FROM (
    SELECT member_id, week_start_date, sum(minutes)::bigint AS minutes
    FROM unnest($1::text[], $2::date[], $3::bigint[]) AS each (member_id, week_start_date, minutes) GROUP BY 1, 2
  ) AS given
  WHERE member_weeks.member_id = given.member_id AND member_weeks.week_start_date = given.week_start_date`;

/** Adds to the reserved minutes of locked weeks; negative minutes reduce them. */
export async function addReserved(transaction: Transaction, added: readonly ReservedMinutes[]): Promise<void> {
  await transaction.query(ADD, [
    added.map(({ memberId }) => memberId),
    added.map(({ weekStartDate }) => weekStartDate),
    added.map(({ minutes }) => minutes),
  ]);
}

/** Deletes the reservations for a project, whose row the transaction has locked: all, or those of weeks after a Monday. */
export async function releaseProject(transaction: Transaction, projectId: string, after?: CalendarDate): Promise<void> {
  const sql = `DELETE FROM reservations WHERE project_id = $1 AND ($2::date IS NULL OR week_start_date > $2)
    RETURNING member_id, week_start_date, minutes`;
  const rows = await transaction.query<{ member_id: string; week_start_date: string; minutes: bigint }>(sql, [
    projectId,
    after ?? null,
  ]);
  const released = rows.map(({ member_id, week_start_date, minutes }) => ({
    memberId: member_id,
    weekStartDate: week_start_date,
    minutes,
  }));
  await subtractReserved(transaction, released);
}

const LOCK_MEMBERS = 'SELECT FROM members WHERE id = ANY($1) ORDER BY id FOR KEY SHARE';

/** Subtracts the minutes of deleted reservations from their weeks. */
export async function subtractReserved(transaction: Transaction, released: readonly ReservedMinutes[]): Promise<void> {
  if (released.length === 0) return;
  await transaction.query(LOCK_MEMBERS, [[...new Set(released.map(({ memberId }) => memberId))]]);
  await lockWeeks(transaction, distinct(released));
  await addReserved(
    transaction,
    released.map(({ minutes, ...week }) => ({ ...week, minutes: -minutes })),
  );
}

/** One entry per week, as an upsert mustn't have the same row twice. */
function distinct(weeks: readonly WeekOfMember[]): readonly WeekOfMember[] {
  return [...new Map(weeks.map((week) => [`${week.memberId} ${week.weekStartDate}`, week])).values()];
}

/** Reads the stored weeks of a member in a period. A week is stored from its first reservation on. */
export async function readWeeks(
  queries: Queries,
  memberId: string,
  { from, to }: { readonly from: CalendarDate; readonly to: CalendarDate },
): Promise<readonly MemberWeek[]> {
  const sql = `
    SELECT member_id, week_start_date, coalesce(capacity_minutes, final_capacity_minutes) AS capacity, reserved_minutes
    FROM member_weeks WHERE member_id = $1 AND week_start_date BETWEEN $2 AND $3 ORDER BY week_start_date`;
  return (await queries.query<MemberWeekRow>(sql, [memberId, from, to])).map(toMemberWeek);
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
