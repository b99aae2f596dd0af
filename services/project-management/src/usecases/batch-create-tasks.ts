import type { Ports } from '../domain/ports.js';
import type { RequestKey } from '../domain/request-key.js';
import type { Task } from '../domain/task.js';
import { admitTasks } from './admit-tasks.js';
import type { CreateTask } from './create-task.js';

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
