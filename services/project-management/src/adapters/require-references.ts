import type { Transaction } from '@rondo/database';
import { UnknownReferences } from '../domain/errors.js';

/** The resources that a write refers to. */
export interface References {
  readonly projectId: string;
  /** Undefined elements are ignored. */
  readonly memberIds: readonly (string | undefined)[];
  /** Ids of tasks of the project. */
  readonly taskIds: readonly string[];
}

/**
 * Checks that all members and tasks that a write refers to exist and aren't deleted. Foreign keys check their existence
 * too; this function reports all missing ones at once, and refuses deleted ones. The project's lock keeps its tasks
 * from changing. If a member is deleted concurrently, the reference stays, as for members that are deleted later.
 *
 * @throws UnknownReferences.
 */
export async function requireReferences(
  transaction: Transaction,
  { projectId, memberIds, taskIds }: References,
): Promise<void> {
  const unknown = {
    memberIds: await missingMembers(transaction, memberIds),
    taskIds: await missingTasks(transaction, projectId, taskIds),
  };
  if (unknown.memberIds.length > 0 || unknown.taskIds.length > 0) throw new UnknownReferences(unknown);
}

async function missingMembers(
  transaction: Transaction,
  ids: readonly (string | undefined)[],
): Promise<readonly string[]> {
  const named = [...new Set(ids.filter((id) => id !== undefined))];
  if (named.length === 0) return [];
  return missing(
    named,
    await transaction.query<Named>('SELECT id FROM members WHERE id = ANY($1) AND delete_time IS NULL', [named]),
  );
}

async function missingTasks(
  transaction: Transaction,
  projectId: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  const named = [...new Set(ids)];
  if (named.length === 0) return [];
  const sql = 'SELECT id FROM tasks WHERE project_id = $1 AND id = ANY($2) AND delete_time IS NULL';
  return missing(named, await transaction.query<Named>(sql, [projectId, named]));
}

interface Named {
  readonly id: string;
}

function missing(named: readonly string[], rows: readonly Named[]): readonly string[] {
  const existing = new Set(rows.map(({ id }) => id));
  return named.filter((id) => !existing.has(id));
}
