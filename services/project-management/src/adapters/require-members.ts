import type { Transaction } from '@rondo/database';
import { UnknownMembers } from '../domain/errors.js';

/**
 * Checks that all the members named exist; undefined names none. Members are never deleted, and a foreign key stands
 * behind this: it is here to name all that are missing at once.
 *
 * @throws UnknownMembers.
 */
export async function requireMembers(transaction: Transaction, ids: readonly (string | undefined)[]): Promise<void> {
  const named = [...new Set(ids.filter((id) => id !== undefined))];
  if (named.length === 0) return;
  const rows = await transaction.query<{ id: string }>('SELECT id FROM members WHERE id = ANY($1)', [named]);
  const existing = new Set(rows.map(({ id }) => id));
  const missing = named.filter((id) => !existing.has(id));
  if (missing.length > 0) throw new UnknownMembers(missing);
}
