import type {
  BatchCreateTasksRequest,
  CreateTaskRequest,
  Task,
  TaskServiceDefinition,
} from '@rondo/contracts/projects/v1/tasks';
import type { Transaction } from '@rondo/database';
import { type ResourceContext, readDraft } from '@rondo/resources';
import { type Handlers, reading } from '@rondo/rpc/server';
import type { FieldAt } from '@rondo/rpc/status';
import { findCircle } from './domain/dependencies.js';
import { DependencyCircle, TaskIdsTaken } from './domain/task-errors.js';
import { errors } from './errors.js';
import { appendTaskChanges } from './project-changes.js';
import { lockProject, projects, requireOpen } from './projects.js';
import { idOf, requireReferences } from './references.js';
import { stateName } from './states.js';
import { insertDependencies } from './task-dependencies.js';
import { dependencyFields, foreignAmong, tasks } from './tasks.js';

/** Implements CreateTask and BatchCreateTasks. */
export function newTaskMethods({
  database,
  newId,
}: ResourceContext): Pick<Handlers<typeof TaskServiceDefinition>, 'createTask' | 'batchCreateTasks'> {
  const create = async <Reply>(
    { parent, drafts }: { readonly parent: string; readonly drafts: readonly Draft[] },
    toReply: (made: readonly Task[]) => Reply,
  ): Promise<Reply> => {
    const named = drafts.map(({ id, ...draft }) => ({ ...draft, name: `${parent}/tasks/${id || newId()}` }));
    return errors.withRpcErrors(database.transaction(async (tx) => toReply(await createTasks(tx, parent, named))));
  };
  return {
    createTask: reading(readCreateTask, async (command) => {
      const made = await create(command, ([task]) => task);
      if (made === undefined) throw new Error('the INSERT of a task returned no row');
      return made;
    }),
    batchCreateTasks: reading(readBatchCreateTasks, (command) => create(command, (made) => ({ tasks: [...made] }))),
  };
}

/** A task that is to be created. */
interface Draft {
  /** Empty if the service is to make one. */
  readonly id: string;
  /** The path of the task in the request. */
  readonly path: string;
  readonly task: Partial<Task>;
}

function readCreateTask({ parent, task, taskId }: CreateTaskRequest, field: FieldAt) {
  return { parent, drafts: [{ id: taskId, path: 'task', task: readTask({ task, parent }, field) }] };
}

function readBatchCreateTasks({ parent, requests }: BatchCreateTasksRequest, field: FieldAt) {
  const ids = new Set<string>();
  const drafts = requests.map((one, index) => {
    const at: FieldAt = (path) => field(`requests[${index}].${path}`);
    if (one.parent !== '' && one.parent !== parent) at('parent')(`must be empty or "${parent}"; it is "${one.parent}"`);
    if (ids.has(one.taskId)) at('task_id')(`must be unique; another task of the batch has "${one.taskId}"`);
    if (one.taskId !== '') ids.add(one.taskId);
    const task = readTask({ task: one.task, parent }, at);
    if (one.requestId !== '') at('request_id')('must be empty: the whole batch has one, request_id');
    return { id: one.taskId, path: `requests[${index}].task`, task };
  });
  return { parent, drafts };
}

function readTask(request: Pick<CreateTaskRequest, 'task' | 'parent'>, field: FieldAt): Partial<Task> {
  const task = readDraft(tasks, request, field);
  for (const fault of foreignAmong(dependencyFields('task', task), request.parent))
    field(fault.field)(fault.description);
  return task;
}

/** A new task with its name. */
interface NamedDraft extends Omit<Draft, 'id'> {
  readonly name: string;
}

/**
 * Creates tasks in their order, all or none. No stored task depends on the new ones yet, so only these can form a circle.
 *
 * @throws NotFound, StillDeleted, ProjectArchived, UnknownReferences, TaskIdsTaken, DependencyCircle
 */
async function createTasks(tx: Transaction, parent: string, drafts: readonly NamedDraft[]): Promise<readonly Task[]> {
  // The lock serialises the creation of a project's tasks. So tasks become visible in the order of `sequence`, and a
  // client that reads page by page misses none.
  const project = await lockProject(tx, parent, 'NO KEY UPDATE');
  if (project === undefined) throw projects.missing(parent);
  requireOpen(project);
  const circle = findCircle(new Map(drafts.map(({ name, task }) => [idOf(name), (task.dependencies ?? []).map(idOf)])));
  if (circle !== undefined) throw new DependencyCircle(parent, circle);
  await requireFreeIds(tx, parent, drafts);
  const own = new Set(drafts.map(({ name }) => name));
  const references = drafts.flatMap(({ path, task }) => [
    { path: `${path}.assignee`, name: task.assignee ?? '' },
    ...dependencyFields(path, task).filter(({ name }) => !own.has(name)),
  ]);
  await requireReferences(tx, references);
  const made = await insertTasks(
    tx,
    parent,
    drafts.map(({ name, task }) => ({ ...task, name })),
  );
  await appendTaskChanges(
    tx,
    idOf(parent),
    drafts.map(({ name }) => idOf(name)),
  );
  return made;
}

/** The lock of the project keeps other transactions from taking the ids meanwhile. @throws TaskIdsTaken */
async function requireFreeIds(tx: Transaction, parent: string, drafts: readonly NamedDraft[]): Promise<void> {
  const sql = 'SELECT id FROM tasks WHERE project_id = $1 AND id = ANY($2) ORDER BY id';
  const taken = await tx.query<{ id: string }>(sql, [idOf(parent), drafts.map(({ name }) => idOf(name))]);
  const ids = taken.map(({ id }) => id);
  if (ids.length > 0) throw new TaskIdsTaken(parent, ids);
}

/** A task with its name, as it is inserted. */
export type NewTask = Partial<Task> & { readonly name: string };

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
  ORDER BY place RETURNING ${tasks.columns}`;

/** Inserts tasks in their order. Their project must exist; their dependencies must exist or be among them. */
export async function insertTasks(
  tx: Transaction,
  project: string,
  drafts: readonly NewTask[],
): Promise<readonly Task[]> {
  if (drafts.length === 0) return [];
  const edges = drafts.map(({ name, dependencies = [] }) => ({ id: idOf(name), dependencies: dependencies.map(idOf) }));
  const rows = await tx.query<{ readonly id: string }>(INSERT_TASKS, [
    idOf(project),
    edges.map(({ id }) => id),
    drafts.map(({ title = '' }) => title),
    drafts.map(({ state }) => stateName(tasks, state)),
    drafts.map(({ assignee = '' }) => (assignee === '' ? null : idOf(assignee))),
    drafts.map(({ effortMinutes = 0n }) => effortMinutes),
  ]);
  await insertDependencies(tx, idOf(project), edges);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return edges.map(({ id, dependencies }) => tasks.toResource({ ...byId.get(id), dependencies }));
}
