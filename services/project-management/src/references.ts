import type { Transaction } from '@rondo/database';
import { UnknownReferences } from './domain/errors.js';

/** A field of a request that names a member or a task. */
export interface ReferenceField {
  readonly path: string;
  /** Empty if the field is unset. */
  readonly name: string;
}

/** The last part of a resource's name. */
export const idOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

/**
 * Checks that the members and the tasks of one project that a write refers to exist and aren't deleted. Foreign keys check their
 * existence too; this reports all missing ones at once, and refuses deleted ones. The project's lock keeps its tasks from changing. If
 * a member is deleted concurrently, the reference stays, as for members that are deleted later.
 *
 * @throws UnknownReferences
 */
export async function requireReferences(tx: Transaction, fields: readonly ReferenceField[]): Promise<void> {
  const names = [...new Set(fields.map(({ name }) => name).filter((name) => name !== ''))];
  const members = names.filter((name) => name.startsWith('members/'));
  const tasks = names.filter((name) => !name.startsWith('members/'));
  const unknown = new Set([
    ...(await missing(tx, MEMBERS, members)),
    ...(await missing(tx, TASKS, tasks, tasks[0]?.split('/')[1])),
  ]);
  const faults = fields
    .filter(({ name }) => unknown.has(name))
    .map(({ path, name }) => ({ field: path, description: describe(name) }));
  if (faults.length > 0) throw new UnknownReferences(faults);
}

const MEMBERS = 'SELECT id FROM members WHERE id = ANY($1) AND delete_time IS NULL';
const TASKS = 'SELECT id FROM tasks WHERE id = ANY($1) AND project_id = $2 AND delete_time IS NULL';

async function missing(
  tx: Transaction,
  sql: string,
  ...[names, ...of]: readonly [names: readonly string[], projectId?: string | undefined]
): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const rows = await tx.query<{ id: string }>(sql, [names.map(idOf), ...of.filter((id) => id !== undefined)]);
  const existing = new Set(rows.map(({ id }) => id));
  return names.filter((name) => !existing.has(idOf(name)));
}

function describe(name: string): string {
  const remedy = name.startsWith('members/') ? 'create it with CreateMember' : 'create it first';
  return `${name} doesn't exist, or is deleted; ${remedy}, or name another`;
}
