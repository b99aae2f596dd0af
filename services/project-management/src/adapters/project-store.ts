import type { Transaction } from '@rondo/database';
import type { ProjectSnapshot } from '../domain/change.js';
import type { TaskEffort } from '../domain/effort.js';
import type { ProjectStore } from '../domain/ports.js';
import type { NewProject, Project } from '../domain/project.js';
import type { RequestKey } from '../domain/request-key.js';
import type { NewTask } from '../domain/task.js';
import type { StoreDatabase } from './database.js';
import { descending, pageOf } from './page.js';
import { once } from './request-log.js';
import { requireMembers } from './require-members.js';
import { type ProjectRow, type TaskRow, toProject, toTask, toTaskState } from './rows.js';
import { insertTasks } from './task-store.js';

/** Projects in PostgreSQL. */
export function createProjectStore(database: StoreDatabase): ProjectStore {
  return {
    create: (project, tasks, key) =>
      database.transaction((transaction) => create(transaction, { project, tasks, key })),
    async find(id) {
      const row = await database.maybeOne<ProjectRow>('SELECT * FROM projects WHERE id = $1', [id]);
      return row && toProject(row);
    },
    async list(query) {
      const sql = 'SELECT * FROM projects WHERE sequence < $1 ORDER BY sequence DESC LIMIT $2';
      return pageOf(await database.query<ProjectRow>(sql, descending(query)), query, toProject);
    },
    update: (id, decide) => database.transaction((transaction) => update(transaction, id, decide)),
    snapshot: (id) => database.atOneMoment((transaction) => snapshot(transaction, id)),
    efforts: (id) => efforts(database, id),
  };
}

interface Creation {
  readonly project: NewProject;
  readonly tasks: readonly NewTask[];
  readonly key: RequestKey | undefined;
}

async function create(transaction: Transaction, { project, tasks, key }: Creation): Promise<Project> {
  const row = await once<ProjectRow>(transaction, { collection: 'projects', key }, async () => {
    await requireMembers(transaction, [project.ownerId, ...tasks.map(({ assigneeId }) => assigneeId)]);
    const made = await insert(transaction, project);
    if (tasks.length > 0) await insertTasks(transaction, tasks);
    return made;
  });
  return toProject(row);
}

function insert(transaction: Transaction, project: NewProject): Promise<ProjectRow> {
  return transaction.one<ProjectRow>(
    `INSERT INTO projects (id, title, state, owner_id, start_date, due_date, create_time, update_time)
     SELECT $1, $2, $3, $4, $5::date, $6::date, now, now FROM (SELECT clock_timestamp() AS now) AS clock
     RETURNING *`,
    fieldsOf(project),
  );
}

async function update(
  transaction: Transaction,
  id: string,
  decide: (project: Project) => Project,
): Promise<Project | undefined> {
  const row = await transaction.maybeOne<ProjectRow>('SELECT * FROM projects WHERE id = $1 FOR NO KEY UPDATE', [id]);
  if (row === undefined) return undefined;
  const present = toProject(row);
  const changed = decide(present);
  if (changed === present) return present;
  if (changed.ownerId !== present.ownerId) await requireMembers(transaction, [changed.ownerId]);
  return toProject(await write(transaction, changed));
}

/** Times have milliseconds, and two changes may meet in one: the later is told by one more. */
function write(transaction: Transaction, project: Project): Promise<ProjectRow> {
  return transaction.one<ProjectRow>(
    `UPDATE projects SET title = $2, state = $3, owner_id = $4, start_date = $5, due_date = $6, version = version + 1,
       update_time = greatest(clock_timestamp(), update_time + interval '1 millisecond')
     WHERE id = $1 RETURNING *`,
    fieldsOf(project),
  );
}

function fieldsOf({ id, title, state, ownerId, startDate, dueDate }: NewProject) {
  return [id, title, state, ownerId ?? null, startDate ?? null, dueDate ?? null];
}

async function snapshot(transaction: Transaction, id: string): Promise<ProjectSnapshot | undefined> {
  const row = await transaction.maybeOne<ProjectRow>('SELECT * FROM projects WHERE id = $1', [id]);
  if (row === undefined) return undefined;
  const tasks = await transaction.query<TaskRow>('SELECT * FROM tasks WHERE project_id = $1 ORDER BY sequence', [id]);
  return { project: toProject(row), tasks: tasks.map(toTask) };
}

/** One statement, as it tells a project without tasks from none. */
const EFFORTS = `
  SELECT tasks.state, tasks.effort_minutes FROM projects LEFT JOIN tasks ON tasks.project_id = projects.id
  WHERE projects.id = $1`;

async function efforts(database: StoreDatabase, id: string): Promise<readonly TaskEffort[] | undefined> {
  const rows = await database.query<{ state: string | null; effort_minutes: bigint }>(EFFORTS, [id]);
  if (rows.length === 0) return undefined;
  return rows.flatMap(({ state, effort_minutes }) =>
    state === null ? [] : [{ state: toTaskState(state), effortMinutes: effort_minutes }],
  );
}
