import type { SqlValue, Transaction } from '@rondo/database';
import type { TaskId } from '../domain/names.js';
import type { NewTask, NewTasks, Task } from '../domain/task.js';
import { NEXT_UPDATE_TIME, TASK_RECORDS_COLUMNS, TASKS_COLUMNS, type TaskRow } from './rows.js';
import { insertDependencies } from './task-dependencies.js';

/** Inserts tasks in their order. Their project must exist; their dependencies must exist or be among them. */
export async function insertTasks(
  transaction: Transaction,
  { projectId, tasks }: NewTasks,
): Promise<readonly TaskRow[]> {
  if (tasks.length === 0) return [];
  const rows = await transaction.query<Omit<TaskRow, 'dependencies'>>(INSERT_TASKS, columnsOf(projectId, tasks));
  await insertDependencies(transaction, projectId, tasks);
  const dependencies = new Map(tasks.map((task) => [task.id, task.dependencies]));
  return rows
    .map((row) => ({ ...row, dependencies: dependencies.get(row.id) ?? [] }))
    .sort((a, b) => (a.sequence < b.sequence ? -1 : 1));
}

/**
 * Inserts all rows in one statement. Each parameter but the first is a column. `sequence` is assigned after the sort.
 * The transaction has locked the project's row, so `create_time` never decreases along `sequence`, even if the clock
 * does.
 */
const INSERT_TASKS = `
  INSERT INTO tasks (project_id, id, title, state, assignee_id, effort_minutes, create_time, update_time)
  SELECT $1, id, title, state, assignee_id, effort_minutes, now, now
  FROM (
      SELECT greatest(clock_timestamp(), max(create_time))::timestamptz(3) AS now FROM tasks WHERE project_id = $1
    ) AS clock,
    unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) WITH ORDINALITY
      AS given (id, title, state, assignee_id, effort_minutes, place)
  ORDER BY place RETURNING ${TASKS_COLUMNS}`;

function columnsOf(projectId: string, tasks: readonly NewTask[]): SqlValue[] {
  return [
    projectId,
    tasks.map(({ id }) => id),
    tasks.map(({ title }) => title),
    tasks.map(({ state }) => state),
    tasks.map(({ assigneeId }) => assigneeId ?? null),
    tasks.map(({ effortMinutes }) => effortMinutes),
  ];
}

/** Stores the fields of a task. Its dependencies are stored separately, before. */
export async function writeTask(transaction: Transaction, task: Task): Promise<TaskRow> {
  const row = await transaction.one<Omit<TaskRow, 'dependencies'>>(
    `UPDATE tasks SET title = $3, state = $4, assignee_id = $5, effort_minutes = $6, version = version + 1,
       update_time = ${NEXT_UPDATE_TIME}
     WHERE project_id = $1 AND id = $2 RETURNING ${TASKS_COLUMNS}`,
    [task.projectId, task.id, task.title, task.state, task.assigneeId ?? null, task.effortMinutes],
  );
  return { ...row, dependencies: task.dependencies };
}

/** Deletes or undeletes a task. */
export async function setTaskDeleted(
  transaction: Transaction,
  { projectId, taskId }: TaskId,
  deleted: boolean,
): Promise<TaskRow> {
  const target = 'project_id = $1 AND id = $2';
  await transaction.query(
    `UPDATE tasks SET version = version + 1, update_time = now, delete_time = CASE WHEN $3 THEN now END
     FROM (SELECT ${NEXT_UPDATE_TIME} AS now FROM tasks WHERE ${target}) AS clock WHERE ${target}`,
    [projectId, taskId, deleted],
  );
  return transaction.one<TaskRow>(`SELECT ${TASK_RECORDS_COLUMNS} FROM task_records WHERE ${target}`, [
    projectId,
    taskId,
  ]);
}
