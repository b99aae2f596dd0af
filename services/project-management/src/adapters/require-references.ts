import type { Transaction } from '@rondo/database';
import { UnknownReferences } from '../domain/errors.js';

/** What a write names. */
export interface References {
  readonly projectId: string;
  /** Undefined names none. */
  readonly memberIds: readonly (string | undefined)[];
  /** Tasks of the project. */
  readonly taskIds: readonly string[];
}

/**
 * Checks that all the members and tasks named exist. Foreign keys stand behind this: it is here to name all that are
 * missing at once, and to refuse what is deleted. The project's lock keeps tasks as they are; a member who is deleted
 * meanwhile stays named, as where they were named before.
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
