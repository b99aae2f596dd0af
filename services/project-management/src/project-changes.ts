import type { Transaction } from '@rondo/database';
import { appendSql } from '@rondo/resources';

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
  await tx.query(APPEND_PROJECT, [projectId], { name: 'append_project_change' });
}

/**
 * OFFSET 0 finds each task by its key, however few rows the planner takes a project to have. Whole numbers are texts, as JSON is read
 * with numbers that lose digits; `sync_texts` would make texts of the dependencies, too.
 */
const APPEND_TASKS = appendSql({
  topic: "'projects/' || $1",
  payload: `jsonb_build_object('kind', 'task', 'row',
    changed.row || jsonb_build_object('sequence', changed.row ->> 'sequence', 'version', changed.row ->> 'version',
      'effort_minutes', changed.row ->> 'effort_minutes'))`,
  from: `unnest($2::text[]) WITH ORDINALITY AS given (id, place) CROSS JOIN LATERAL (
      SELECT to_jsonb(task_records) AS row FROM task_records WHERE project_id = $1 AND id = given.id OFFSET 0
    ) AS changed ORDER BY place`,
});

/** Appends the changes of tasks in their order, like {@link appendProjectChange}. */
export async function appendTaskChanges(tx: Transaction, projectId: string, ids: readonly string[]): Promise<void> {
  await tx.query(APPEND_TASKS, [projectId, ids], { name: 'append_task_changes' });
}
