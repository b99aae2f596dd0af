import { type Transaction, UniqueViolation } from '@rondo/database';
import { EmailTaken } from '../domain/errors.js';
import type { NewMember } from '../domain/member.js';
import type { MemberStore } from '../domain/ports.js';
import type { StoreDatabase } from './database.js';
import { descending, pageOf } from './page.js';
import { once } from './request-log.js';
import { type MemberRow, toMember } from './rows.js';

/** Members in PostgreSQL. */
export function createMemberStore(database: StoreDatabase): MemberStore {
  return {
    create: (member, key) =>
      database.transaction(async (transaction) =>
        toMember(await once(transaction, { collection: 'members', key }, () => insert(transaction, member))),
      ),
    async find(id) {
      const row = await database.maybeOne<MemberRow>('SELECT * FROM members WHERE id = $1', [id]);
      return row && toMember(row);
    },
    async list(query) {
      const sql = 'SELECT * FROM members WHERE sequence < $1 ORDER BY sequence DESC LIMIT $2';
      return pageOf(await database.query<MemberRow>(sql, descending(query)), query, toMember);
    },
  };
}

async function insert(transaction: Transaction, member: NewMember): Promise<MemberRow> {
  try {
    return await transaction.one<MemberRow>(
      'INSERT INTO members (id, display_name, email, weekly_capacity_minutes) VALUES ($1, $2, $3, $4) RETURNING *',
      [member.id, member.displayName, member.email, member.weeklyCapacityMinutes],
    );
  } catch (error) {
    if (!(error instanceof UniqueViolation) || error.constraint !== 'members_email_key') throw error;
    throw new EmailTaken(member.email);
  }
}
