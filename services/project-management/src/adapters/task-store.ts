import type { Transaction } from '@rondo/database';
import { differs, type ListQuery, type Page } from '@rondo/resources/domain';
import { type Listing, listPage, type StoreDatabase } from '@rondo/resources/sql';
import type { TaskId } from '../domain/names.js';
import type { Project } from '../domain/project.js';
import { type Admit, type NewTasks, TASK_STATES, type Task, type TaskStore, type TaskUpdate } from '../domain/task.js';
import { TaskIdsTaken } from '../domain/task-errors.js';
import { appendTaskChanges } from './change-log.js';
import { requireReferences } from './require-references.js';
import {
  DELETION,
  PROJECTS_COLUMNS,
  type ProjectRow,
  TASK_COLUMNS,
  TASK_RECORDS_COLUMNS,
  type TaskRow,
  taskBytes,
  toProject,
  toTask,
} from './rows.js';
import { replaceDependencies, requireNoneDeleted, requireNotNeeded } from './task-dependencies.js';
import { insertTasks, setTaskDeleted, writeTask } from './task-rows.js';

/** Stores tasks in PostgreSQL. */
export function createTaskStore(database: StoreDatabase): TaskStore {
  return {
    create: (task, admit, toReply) =>
      database.transaction(async (transaction) => {
        const tasks = { projectId: task.projectId, tasks: [task] };
        const [row] = await create(transaction, tasks, admit);
        if (row === undefined) throw new Error('the INSERT of a task returned no row');
        return toReply(toTask(row));
      }),
    createAll: (tasks, admit, toReply) =>
      database.transaction(async (transaction) => {
        const rows = await create(transaction, tasks, admit);
        return toReply(rows.map(toTask));
      }),
    async find({ projectId, taskId }) {
      const sql = `SELECT ${TASK_RECORDS_COLUMNS} FROM task_records WHERE project_id = $1 AND id = $2`;
      const row = await database.maybeOne<TaskRow>(sql, [projectId, taskId]);
      return row && toTask(row);
    },
    list: (projectId, query) => list(database, projectId, query),
    update: (id, decide) => database.transaction((transaction) => update(transaction, id, decide)),
    delete: (id, admit) => database.transaction((transaction) => remove(transaction, id, admit)),
    undelete: (id, admit) => database.transaction((transaction) => restore(transaction, id, admit)),
  };
}

async function create(transaction: Transaction, tasks: NewTasks, admit: Admit): Promise<readonly TaskRow[]> {
  // The lock serialises the creation of a project's tasks. So tasks become visible in the order of `sequence`, and a
  // client that reads page by page misses none.
  admit(await lockProject(transaction, tasks.projectId, 'NO KEY UPDATE'));
  await requireFreeIds(transaction, tasks);
  const ids = new Set(tasks.tasks.map(({ id }) => id));
  await requireReferences(transaction, {
    projectId: tasks.projectId,
    memberIds: tasks.tasks.map(({ assigneeId }) => assigneeId),
    taskIds: tasks.tasks.flatMap(({ dependencies }) => dependencies.filter((id) => !ids.has(id))),
  });
  return appendTaskChanges(transaction, await insertTasks(transaction, tasks));
}

/** The lock of the project keeps other transactions from taking the ids meanwhile. @throws TaskIdsTaken */
async function requireFreeIds(transaction: Transaction, { projectId, tasks }: NewTasks): Promise<void> {
  const taken = await transaction.query<{ id: string }>(
    'SELECT id FROM tasks WHERE project_id = $1 AND id = ANY($2) ORDER BY id',
    [projectId, tasks.map(({ id }) => id)],
  );
  if (taken.length > 0)
    throw new TaskIdsTaken(
      projectId,
      taken.map(({ id }) => id),
    );
}

function update(
  transaction: Transaction,
  { rewires, ...id }: TaskUpdate,
  decide: (task: Task, project: Project) => Task,
): Promise<Task | undefined> {
  return changeLocked(
    transaction,
    { ...id, strength: rewires ? 'NO KEY UPDATE' : 'SHARE' },
    async (present, project) => {
      const changed = decide(present, project);
      if (changed === present) return present;
      const rewired = differs(present, { dependencies: changed.dependencies });
      await requireReferences(transaction, {
        projectId: id.projectId,
        memberIds: changed.assigneeId === present.assigneeId ? [] : [changed.assigneeId],
        taskIds: rewired ? changed.dependencies.filter((dependency) => dependency !== present.id) : [],
      });
      if (rewired) await replaceDependencies(transaction, id.projectId, changed);
      return appended(transaction, await writeTask(transaction, changed));
    },
  );
}

function remove(
  transaction: Transaction,
  id: TaskId,
  admit: (task: Task, project: Project) => void,
): Promise<Task | undefined> {
  return changeLocked(transaction, { ...id, strength: 'NO KEY UPDATE' }, async (task, project) => {
    if (task.deleteTime !== undefined) return task;
    admit(task, project);
    await requireNotNeeded(transaction, id);
    return appended(transaction, await setTaskDeleted(transaction, id, true));
  });
}

/** An undeleted task can't close a circle: no task that isn't deleted depends on it. */
function restore(transaction: Transaction, id: TaskId, admit: (project: Project) => void): Promise<Task | undefined> {
  return changeLocked(transaction, { ...id, strength: 'NO KEY UPDATE' }, async (task, project) => {
    if (task.deleteTime === undefined) return task;
    admit(project);
    await requireNoneDeleted(transaction, id, task.dependencies);
    return appended(transaction, await setTaskDeleted(transaction, id, false));
  });
}

async function appended(transaction: Transaction, row: TaskRow): Promise<Task> {
  await appendTaskChanges(transaction, [row]);
  return toTask(row);
}

/**
 * The lock on the project. A change of dependencies, and the creation or deletion of a task, takes NO KEY UPDATE, which excludes
 * all other changes of the project's tasks. Any other change of a task takes SHARE, which admits changes of other tasks.
 */
type Strength = 'SHARE' | 'NO KEY UPDATE';

/** Locks a project and one of its tasks, and changes the task. */
async function changeLocked(
  transaction: Transaction,
  { projectId, taskId, strength }: TaskId & { readonly strength: Strength },
  change: (task: Task, project: Project) => Promise<Task>,
): Promise<Task | undefined> {
  // The project is always locked first, so that two transactions can't deadlock, and so that the dependencies that are
  // read with the task are current.
  const project = await lockProject(transaction, projectId, strength);
  const row = await transaction.maybeOne<TaskRow>(
    `SELECT ${TASK_RECORDS_COLUMNS} FROM task_records WHERE project_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    [projectId, taskId],
  );
  return project && row && change(toTask(row), project);
}

async function lockProject(transaction: Transaction, id: string, strength: Strength): Promise<Project | undefined> {
  const sql = `SELECT ${PROJECTS_COLUMNS} FROM projects WHERE id = $1 FOR ${strength}`;
  const row = await transaction.maybeOne<ProjectRow>(sql, [id]);
  return row && toProject(row);
}

const LISTING: Listing = {
  table: 'tasks',
  order: 'the oldest first',
  columns: { title: 'title', assignee: 'assignee_id', effort_minutes: 'effort_minutes', create_time: 'create_time' },
  // Times never decrease along the sequence of a project.
  sorted: { create_time: 'sequence', title: 'title', effort_minutes: 'effort_minutes' },
  selected: TASK_COLUMNS,
  deletion: DELETION,
  states: TASK_STATES,
  scannedBy: { field: 'assignee', withState: true },
  chronological: {
    field: 'create_time',
    firstPosition: (comparator, value) =>
      `coalesce((SELECT sequence FROM tasks WHERE project_id = $3 AND create_time ${comparator} ${value}
         ORDER BY create_time, sequence LIMIT 1), ${2n ** 63n - 1n})`,
  },
  beside: {
    columns: `ARRAY(SELECT depends_on_id FROM task_dependencies AS edge
      WHERE edge.project_id = page.project_id AND edge.task_id = page.id ORDER BY place) AS dependencies`,
  },
};

/** The tasks of a deleted project are listed only if deleted tasks are. */
async function list(database: StoreDatabase, projectId: string, query: ListQuery): Promise<Page<Task> | undefined> {
  const sql = 'SELECT deleted FROM projects WHERE id = $1';
  const project = await database.maybeOne<{ deleted: boolean }>(sql, [projectId]);
  if (project === undefined) return undefined;
  if (project.deleted && !query.showDeleted) return { items: [], next: undefined };
  const scope = { sql: 'project_id = $3', params: [projectId] };
  return listPage<TaskRow, Task>(database.reads, { listing: { ...LISTING, scope }, query, sizeOf: taskBytes }, toTask);
}
