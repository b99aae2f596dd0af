import { type SqlValue, type Transaction, UniqueViolation } from '@rondo/database';
import type { CalendarDate } from '@rondo/resources/domain';
import { type Listing, listPage, type StoreDatabase } from '@rondo/resources/sql';
import { MoreReserved, StillReserved } from '../domain/capacity-errors.js';
import { EmailTaken, SubjectTaken } from '../domain/errors.js';
import type { Member, MemberStore, NewMember } from '../domain/member.js';
import { memberName } from '../domain/names.js';
import { closeWeeksBefore, lockCapacity, weeksWithMoreThan } from './member-weeks.js';
import { MEMBER_COLUMNS, MEMBERS_COLUMNS, type MemberRow, NEXT_UPDATE_TIME, toMember } from './rows.js';

/** Stores members in PostgreSQL. */
export function createMemberStore(database: StoreDatabase): MemberStore {
  return {
    create: (member, toReply) =>
      database.transaction(async (transaction) => toReply(toMember(await insert(transaction, member)))),
    async find(id) {
      const row = await database.maybeOne<MemberRow>(`SELECT ${MEMBERS_COLUMNS} FROM members WHERE id = $1`, [id]);
      return row && toMember(row);
    },
    list: (query) => listPage<MemberRow, Member>(database.reads, { listing: LISTING, query }, toMember),
    update: (id, decide, thisWeek) =>
      database.transaction(async (transaction) => {
        const present = await lock(transaction, id);
        if (present === undefined) return undefined;
        const changed = decide(present);
        return changed === present ? present : write(transaction, { present, changed, thisWeek });
      }),
    delete: (id, admit, thisWeek) =>
      database.transaction(async (transaction) => {
        const present = await lock(transaction, id);
        if (present === undefined || present.deleteTime !== undefined) return present;
        admit(present);
        await lockCapacity(transaction, 'exclusive');
        const reserved = await weeksWithMoreThan(transaction, { memberId: id, minutes: 0n, from: thisWeek });
        if (reserved.length > 0) throw new StillReserved(memberName(id), reserved);
        return set(transaction, { member: present, assignments: 'delete_time = clock.now', params: [] });
      }),
    undelete: (id) =>
      database.transaction(async (transaction) => {
        const present = await lock(transaction, id);
        if (present?.deleteTime === undefined) return present;
        return set(transaction, { member: present, assignments: 'delete_time = NULL', params: [] });
      }),
  };
}

const LISTING: Listing = {
  table: 'members',
  order: 'the newest first',
  columns: {
    display_name: 'display_name',
    email: 'email',
    weekly_capacity_minutes: 'weekly_capacity_minutes',
    create_time: 'create_time',
  },
  sorted: { create_time: 'create_time', display_name: 'display_name' },
  selected: MEMBER_COLUMNS,
  deletion: { live: 'delete_time IS NULL', deleted: 'delete_time IS NOT NULL' },
};

/** Locks a member against other changes of it. Reservations of its time don't wait for this lock. */
async function lock(transaction: Transaction, id: string): Promise<Member | undefined> {
  const sql = `SELECT ${MEMBERS_COLUMNS} FROM members WHERE id = $1 FOR NO KEY UPDATE`;
  const row = await transaction.maybeOne<MemberRow>(sql, [id]);
  return row && toMember(row);
}

function insert(transaction: Transaction, member: NewMember) {
  const { id, displayName, email, weeklyCapacityMinutes, subject, team } = member;
  const sql = `INSERT INTO members (id, display_name, email, weekly_capacity_minutes, subject, team, create_time, update_time)
    SELECT $1, $2, $3, $4, $5, $6, now, now FROM (SELECT clock_timestamp() AS now) AS clock RETURNING ${MEMBERS_COLUMNS}`;
  const params = [id, displayName, email, weeklyCapacityMinutes, subject, team];
  return unlessTaken(member, transaction.one<MemberRow>(sql, params));
}

interface Replacement {
  readonly present: Member;
  readonly changed: Member;
  /** The Monday of the current week. */
  readonly thisWeek: CalendarDate;
}

async function write(transaction: Transaction, { present, changed, thisWeek }: Replacement): Promise<Member> {
  const { id, displayName, email, weeklyCapacityMinutes: minutes, subject, team } = changed;
  if (minutes !== present.weeklyCapacityMinutes) {
    await lockCapacity(transaction, 'exclusive');
    const tooFull = await weeksWithMoreThan(transaction, { memberId: id, minutes, from: thisWeek });
    if (tooFull.length > 0) throw new MoreReserved(memberName(id), minutes, tooFull);
    await closeWeeksBefore(transaction, id, thisWeek);
  }
  const assignments = 'display_name = $2, email = $3, weekly_capacity_minutes = $4, subject = $5, team = $6';
  return set(transaction, { member: changed, assignments, params: [displayName, email, minutes, subject, team] });
}

interface Assignment {
  readonly member: Member;
  /** Assignments in SQL. Parameters are numbered from `$2`. */
  readonly assignments: string;
  readonly params: readonly SqlValue[];
}

async function set(transaction: Transaction, { member, assignments, params }: Assignment): Promise<Member> {
  const sql = `UPDATE members SET ${assignments}, version = version + 1, update_time = clock.now
    FROM (SELECT ${NEXT_UPDATE_TIME} AS now
      FROM members WHERE id = $1) AS clock
    WHERE id = $1 RETURNING ${MEMBERS_COLUMNS}`;
  return toMember(await unlessTaken(member, transaction.one<MemberRow>(sql, [member.id, ...params])));
}

async function unlessTaken<T>({ email, subject }: NewMember, writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    const taken = error instanceof UniqueViolation ? error.constraint : undefined;
    if (taken === 'members_email_key') throw new EmailTaken(email);
    throw taken === 'members_subject_key' ? new SubjectTaken(subject) : error;
  }
}
