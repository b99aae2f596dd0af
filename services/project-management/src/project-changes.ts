import type { Transaction } from '@rondo/database';
import { appendSql } from '@rondo/sync';

/**
 * The changes of a project and its tasks, for those who watch it. The topic is the project's name, and a change has the row as
 * replicas of other versions write and read it. The creation of a project appends nothing, as a new project has no watchers.
 */

const APPEND_PROJECT = appendSql({
  topic: "'projects/' || id",
  payload: "jsonb_build_object('kind', 'project', 'row', sync_texts(to_jsonb(projects)))",
  from: 'projects WHERE id = $1',
});

/** Appends the change of a project, after the statement that wrote it. */
export async function appendProjectChange(tx: Transaction, projectId: string): Promise<void> {
  await tx.query(APPEND_PROJECT, [projectId]);
}

const APPEND_TASKS = appendSql({
  topic: "'projects/' || project_id",
  payload: `jsonb_build_object('kind', 'task', 'row',
    sync_texts(to_jsonb(task_records)) || jsonb_build_object('dependencies', dependencies))`,
  from: 'task_records WHERE project_id = $1 AND id = ANY($2) ORDER BY sequence',
});

/** Appends the changes of tasks, like {@link appendProjectChange}. */
export async function appendTaskChanges(tx: Transaction, projectId: string, ids: readonly string[]): Promise<void> {
  await tx.query(APPEND_TASKS, [projectId, ids]);
}
