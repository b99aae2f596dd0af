import type { Transaction } from '@rondo/database';
import { appendChanges } from '@rondo/sync';
import { projectName } from '../domain/names.js';
import { changeJson } from './change-json.js';
import type { ProjectRow, TaskRow } from './rows.js';

/**
 * Has a project's watchers told of what it is now, once this transaction is committed; it comes after the statement that
 * wrote the row. Of a project that is made nobody is told: nobody follows it yet.
 */
export async function tellProject(transaction: Transaction, row: ProjectRow): Promise<ProjectRow> {
  await appendChanges(transaction, [{ topic: topicOf(row.id), payload: changeJson({ kind: 'project', row }) }]);
  return row;
}

/** Has a project's watchers told of what its tasks are now; as {@link tellProject}. */
export async function tellTasks<Rows extends readonly TaskRow[]>(transaction: Transaction, rows: Rows): Promise<Rows> {
  const changes = rows.map((row) => ({ topic: topicOf(row.project_id), payload: changeJson({ kind: 'task', row }) }));
  await appendChanges(transaction, changes);
  return rows;
}

/** The topic of a project and its tasks. */
export function topicOf(projectId: string): string {
  return projectName(projectId);
}
