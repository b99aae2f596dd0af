import { type ChangedSince, requireUnchanged } from '../domain/freshness.js';
import { type TaskId, taskName } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import { requireOpen } from '../domain/project.js';
import type { Task } from '../domain/task.js';
import { foundTask } from './found.js';

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
