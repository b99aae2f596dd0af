import type { Ports } from '../domain/ports.js';
import { changeTask, type Task, type TaskChange } from '../domain/task.js';
import { announce } from './announce.js';
import { foundTask } from './found.js';

/** Changes a task and tells its project's watchers. @throws NotFound, UnknownMembers and what `changeTask` throws. */
export async function updateTask(
  { tasks, changes }: Pick<Ports, 'tasks' | 'changes'>,
  change: TaskChange,
): Promise<Task> {
  const { task } = await announce(changes, change.projectId, async () => {
    const updated = await tasks.update(change, (present, project) => changeTask(present, project, change));
    return { kind: 'task', task: foundTask(updated, change) } as const;
  });
  return task;
}
