import type { TaskId } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import type { Task } from '../domain/task.js';
import { foundTask } from './found.js';

/** One task. @throws NotFound. */
export async function getTask({ tasks }: Pick<Ports, 'tasks'>, id: TaskId): Promise<Task> {
  return foundTask(await tasks.find(id), id);
}
