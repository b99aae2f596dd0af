import type { SqlValue, Transaction } from '@rondo/database';
import type { TaskId } from '../domain/names.js';
import type { Page, PageQuery } from '../domain/page.js';
import type { TaskStore } from '../domain/ports.js';
import type { Project } from '../domain/project.js';
import type { RequestKey } from '../domain/request-key.js';
import type { NewTask, Task } from '../domain/task.js';
import type { StoreDatabase } from './database.js';
import { ascending, pageOf } from './page.js';
import { once } from './request-log.js';
import { requireMembers } from './require-members.js';
import { type ProjectRow, type TaskRow, toProject, toTask } from './rows.js';

/** Tasks in PostgreSQL. */
export function createTaskStore(database: StoreDatabase): TaskStore {
  return {
    create: (task, admit, key) => database.transaction((transaction) => create(transaction, { task, admit, key })),
    async find({ projectId, taskId }) {
      const sql = 'SELECT * FROM tasks WHERE id = $1 AND project_id = $2';
      const row = await database.maybeOne<TaskRow>(sql, [taskId, projectId]);
      return row && toTask(row);
    },
    list: (projectId, query) => list(database, projectId, query),
    update: (id, decide) => database.transaction((transaction) => update(transaction, id, decide)),
  };
}

/** Inserts tasks in their order; their project must be there. */
export async function insertTasks(transaction: Transaction, tasks: readonly NewTask[]): Promise<void> {
  await transaction.query(INSERT_TASKS, columnsOf(tasks));
}

/** All rows in one statement: each parameter is a column. `sequence` is drawn after the sort. */
const INSERT_TASKS = `
  INSERT INTO tasks (id, project_id, title, state, assignee_id, effort_minutes, create_time, update_time)
  SELECT id, project_id, title, state, assignee_id, effort_minutes, now, now
  FROM (SELECT clock_timestamp() AS now) AS clock,
    unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) WITH ORDINALITY
      AS given (id, project_id, title, state, assignee_id, effort_minutes, position)
  ORDER BY position RETURNING *`;

function columnsOf(tasks: readonly NewTask[]): SqlValue[] {
  return [
    tasks.map(({ id }) => id),
    tasks.map(({ projectId }) => projectId),
    tasks.map(({ title }) => title),
    tasks.map(({ state }) => state),
    tasks.map(({ assigneeId }) => assigneeId ?? null),
    tasks.map(({ effortMinutes }) => effortMinutes),
  ];
}

interface Creation {
  readonly task: NewTask;
  readonly admit: (project: Project | undefined) => void;
  readonly key: RequestKey | undefined;
}

async function create(transaction: Transaction, { task, admit, key }: Creation): Promise<Task> {
  const row = await once<TaskRow>(transaction, { collection: 'tasks', key }, async () => {
    // Tasks of one project are made one after the other, so that `sequence` is the order in which they appear and a
    // reader of pages misses none.
    admit(await lockProject(transaction, task.projectId, 'NO KEY UPDATE'));
    await requireMembers(transaction, [task.assigneeId]);
    return transaction.one<TaskRow>(INSERT_TASKS, columnsOf([task]));
  });
  return toTask(row);
}

async function update(
  transaction: Transaction,
  { projectId, taskId }: TaskId,
  decide: (task: Task, project: Project) => Task,
): Promise<Task | undefined> {
  // Always the project first, so that no two transactions wait for each other.
  const project = await lockProject(transaction, projectId, 'SHARE');
  const row = await transaction.maybeOne<TaskRow>(
    'SELECT * FROM tasks WHERE id = $1 AND project_id = $2 FOR NO KEY UPDATE',
    [taskId, projectId],
  );
  if (project === undefined || row === undefined) return undefined;
  const present = toTask(row);
  const changed = decide(present, project);
  if (changed === present) return present;
  if (changed.assigneeId !== present.assigneeId) await requireMembers(transaction, [changed.assigneeId]);
  return toTask(await write(transaction, changed));
}

async function lockProject(
  transaction: Transaction,
  id: string,
  strength: 'SHARE' | 'NO KEY UPDATE',
): Promise<Project | undefined> {
  const row = await transaction.maybeOne<ProjectRow>(`SELECT * FROM projects WHERE id = $1 FOR ${strength}`, [id]);
  return row && toProject(row);
}

/** Times have milliseconds, and two changes may meet in one: the later is told by one more. */
function write(transaction: Transaction, task: Task): Promise<TaskRow> {
  return transaction.one<TaskRow>(
    `UPDATE tasks SET title = $2, state = $3, assignee_id = $4, effort_minutes = $5, version = version + 1,
       update_time = greatest(clock_timestamp(), update_time + interval '1 millisecond')
     WHERE id = $1 RETURNING *`,
    [task.id, task.title, task.state, task.assigneeId ?? null, task.effortMinutes],
  );
}

async function list(database: StoreDatabase, projectId: string, query: PageQuery): Promise<Page<Task> | undefined> {
  const sql = 'SELECT * FROM tasks WHERE project_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3';
  const rows = await database.query<TaskRow>(sql, [projectId, ...ascending(query)]);
  const known = rows.length > 0 || (await exists(database, projectId));
  return known ? pageOf(rows, query, toTask) : undefined;
}

async function exists(database: StoreDatabase, projectId: string): Promise<boolean> {
  const rows = await database.query('SELECT 1 FROM projects WHERE id = $1', [projectId]);
  return rows.length > 0;
}
