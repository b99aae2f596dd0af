import type { Ports } from '../domain/ports.js';
import type { RequestKey } from '../domain/request-key.js';
import type { Task, TaskFields } from '../domain/task.js';
import { admitTasks } from './admit-tasks.js';

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
