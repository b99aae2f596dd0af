import type { Ports } from '../domain/ports.js';
import { changeTask, type Task, type TaskChange } from '../domain/task.js';
import { foundTask } from './found.js';

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
