import { type ChangedSince, type ListQuery, type Page, requireUnchanged } from '@rondo/resources/domain';
import { findCircle } from '../domain/dependencies.js';
import { type TaskId, taskName } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import { requireOpen } from '../domain/project.js';
import { type Admit, changeTask, type NewTask, type Task, type TaskChange, type TaskFields } from '../domain/task.js';
import { DependencyCircle } from '../domain/task-errors.js';
import { foundProject, foundTask } from './found.js';

/** A new task of a project. */
export interface CreateTask {
  readonly projectId: string;
  /** Undefined if the service is to make one. */
  readonly taskId: string | undefined;
  readonly task: TaskFields;
}

/**
 * Creates a task.
 *
 * @throws NotFound, ProjectDeleted, ProjectArchived, UnknownReferences, TaskIdsTaken, DependencyCircle.
 */
export function createTask<R>(
  { tasks, newId }: Pick<Ports, 'tasks' | 'newId'>,
  { projectId, taskId, task: fields }: CreateTask,
  toReply: (task: Task) => R,
): Promise<R> {
  const task = { ...fields, id: taskId ?? newId(), projectId };
  return tasks.create(task, admitTasks(projectId, [task]), toReply);
}

/** New tasks of a project, which are created together. */
export interface BatchCreateTasks {
  readonly projectId: string;
  readonly tasks: readonly Omit<CreateTask, 'projectId'>[];
}

/**
 * Creates tasks, all or none.
 *
 * @throws NotFound, ProjectDeleted, ProjectArchived, UnknownReferences, TaskIdsTaken, DependencyCircle.
 */
export function batchCreateTasks<R>(
  { tasks, newId }: Pick<Ports, 'tasks' | 'newId'>,
  { projectId, tasks: given }: BatchCreateTasks,
  toReply: (tasks: readonly Task[]) => R,
): Promise<R> {
  const created = given.map(({ taskId, task }) => ({ ...task, id: taskId ?? newId(), projectId }));
  return tasks.createAll({ projectId, tasks: created }, admitTasks(projectId, created), toReply);
}

/**
 * Checks that tasks can be added to a project. No stored task depends on the new ones yet, so only the new tasks can
 * form a circle.
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

/** The project and the page of its tasks. */
interface ListTasks {
  readonly projectId: string;
  readonly query: ListQuery;
}

/** One page of a project's tasks, the oldest first. @throws NotFound if there is no such project. */
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

/** The task to delete, and the etag to check. */
export interface DeleteTask extends TaskId {
  readonly changedSince: ChangedSince<Task>;
}

/**
 * Deletes a task. A deleted task is returned as it is.
 *
 * @throws NotFound, StaleEtag, ProjectDeleted, ProjectArchived, TaskNeeded.
 */
export async function deleteTask({ tasks }: Pick<Ports, 'tasks'>, { changedSince, ...id }: DeleteTask): Promise<Task> {
  const deleted = await tasks.delete(id, (task, project) => {
    requireUnchanged(taskName(id), task, changedSince);
    requireOpen(project);
  });
  return foundTask(deleted, id);
}

/**
 * Undeletes a task. One that isn't deleted is returned as it is.
 *
 * @throws NotFound, ProjectDeleted, ProjectArchived, NeedsDeletedTasks.
 */
export async function undeleteTask({ tasks }: Pick<Ports, 'tasks'>, id: TaskId): Promise<Task> {
  return foundTask(await tasks.undelete(id, requireOpen), id);
}
