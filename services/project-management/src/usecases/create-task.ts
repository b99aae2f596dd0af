import type { Ports } from '../domain/ports.js';
import { type Project, requireNotArchived } from '../domain/project.js';
import type { RequestKey } from '../domain/request-key.js';
import type { Task, TaskFields } from '../domain/task.js';
import { announce } from './announce.js';
import { foundProject } from './found.js';

/** A task to be added to a project. */
export interface CreateTask {
  readonly projectId: string;
  readonly task: TaskFields;
}

/** Adds a task to a project and tells its watchers. @throws NotFound, ProjectArchived, UnknownMembers. */
export async function createTask(
  { tasks, changes, newId }: Pick<Ports, 'tasks' | 'changes' | 'newId'>,
  { projectId, task: fields }: CreateTask,
  key: RequestKey | undefined,
): Promise<Task> {
  const { task } = await announce(changes, projectId, async () => {
    const admit = (project: Project | undefined) => requireNotArchived(foundProject(project, projectId));
    const created = await tasks.create({ ...fields, id: newId(), projectId }, admit, key);
    return { kind: 'task', task: created } as const;
  });
  return task;
}
