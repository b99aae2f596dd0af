import type { Ports, Admit } from '../domain/ports.js';
import type { RequestKey } from '../domain/request-key.js';
import { type Task, type TaskFields, type NewTask, changeTask, type TaskChange } from '../domain/task.js';
import { findCircle } from '../domain/dependencies.js';
import { requireOpen } from '../domain/project.js';
import { DependencyCircle } from '../domain/task-errors.js';
import { foundProject, foundTask } from './found.js';
import { type TaskId, taskName } from '../domain/names.js';
import type { ListQuery, Page } from '../domain/page.js';
import { type ChangedSince, requireUnchanged } from '../domain/preconditions.js';

/** A task to be added to a project. */
export interface CreateTask {
  readonly projectId: string;
  /** Undefined to have one made. */
  readonly taskId: string | undefined;
  readonly task: TaskFields;
}

/**
 * Adds a task to a project .
 *
 * @throws NotFound, ProjectDeleted, ProjectArchived, UnknownReferences, TaskIdsTaken, DependencyCircle.
 */
export function createTask(
  { tasks, newId }: Pick<Ports, 'tasks' | 'newId'>,
  { projectId, taskId, task: fields }: CreateTask,
  key: RequestKey | undefined,
): Promise<Task> {
  const task = { ...fields, id: taskId ?? newId(), projectId };
  return tasks.create(task, admitTasks(projectId, [task]), key);
}

/** Tasks to be added to a project together. */
export interface BatchCreateTasks {
  readonly projectId: string;
  readonly tasks: readonly Omit<CreateTask, 'projectId'>[];
}

/**
 * Adds tasks to a project, all or none.
 *
 * @throws NotFound, ProjectDeleted, ProjectArchived, UnknownReferences, TaskIdsTaken, DependencyCircle.
 */
export function batchCreateTasks(
  { tasks, newId }: Pick<Ports, 'tasks' | 'newId'>,
  { projectId, tasks: given }: BatchCreateTasks,
  key: RequestKey | undefined,
): Promise<readonly Task[]> {
  const created = given.map(({ taskId, task }) => ({ ...task, id: taskId ?? newId(), projectId }));
  return tasks.createAll({ projectId, tasks: created }, admitTasks(projectId, created), key);
}

/**
 * What has to hold for tasks to be added to a project. Nothing that is there depends on them yet, so that a circle can
 * only be among themselves.
 *
 * @throws NotFound, ProjectDeleted, ProjectArchived, DependencyCircle.
 */
function admitTasks(projectId: string, tasks: readonly NewTask[]): Admit {
  return (project) => {
    requireOpen(foundProject(project, projectId));
    const circle = findCircle(new Map(tasks.map(({ id, dependencies }) => [id, dependencies])));
    if (circle !== undefined) throw new DependencyCircle(projectId, circle);
  };
}

/** One task. @throws NotFound. */
export async function getTask({ tasks }: Pick<Ports, 'tasks'>, id: TaskId): Promise<Task> {
  return foundTask(await tasks.find(id), id);
}

/** Which part of which project's tasks. */
interface ListTasks {
  readonly projectId: string;
  readonly query: ListQuery;
}

/** A page of a project's tasks, the oldest first. @throws NotFound where there is no such project. */
export async function listTasks({ tasks }: Pick<Ports, 'tasks'>, { projectId, query }: ListTasks): Promise<Page<Task>> {
  return foundProject(await tasks.list(projectId, query), projectId);
}

/**
 * Changes a task.
 *
 * @throws NotFound, UnknownReferences, DependencyCircle and what `changeTask` throws.
 */
export async function updateTask({ tasks }: Pick<Ports, 'tasks'>, change: TaskChange): Promise<Task> {
  const { projectId, taskId, fields } = change;
  const update = { projectId, taskId, rewires: fields.dependencies !== undefined };
  const updated = await tasks.update(update, (present, project) => changeTask(present, project, change));
  return foundTask(updated, change);
}

/** Which task, as its caller has read it. */
export interface DeleteTask extends TaskId {
  readonly changedSince: ChangedSince<Task>;
}

/**
 * Deletes a task; one that is deleted already stays as it is.
 *
 * @throws NotFound, LostRace, ProjectDeleted, ProjectArchived, TaskNeeded.
 */
export async function deleteTask({ tasks }: Pick<Ports, 'tasks'>, { changedSince, ...id }: DeleteTask): Promise<Task> {
  const deleted = await tasks.delete(id, (task, project) => {
    requireUnchanged(taskName(id), task, changedSince);
    requireOpen(project);
  });
  return foundTask(deleted, id);
}

/**
 * Brings a task back; one that isn't deleted stays as it is.
 *
 * @throws NotFound, ProjectDeleted, ProjectArchived, NeedsDeletedTasks.
 */
export async function undeleteTask({ tasks }: Pick<Ports, 'tasks'>, id: TaskId): Promise<Task> {
  return foundTask(await tasks.undelete(id, requireOpen), id);
}
