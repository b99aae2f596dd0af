import type { ListQuery, Page } from '../domain/page.js';
import type { Ports } from '../domain/ports.js';
import type { Task } from '../domain/task.js';
import { foundProject } from './found.js';

/** Which part of which project's tasks. */
export interface ListTasks {
  readonly projectId: string;
  readonly query: ListQuery;
}

/** A page of a project's tasks, the oldest first. @throws NotFound where there is no such project. */
export async function listTasks({ tasks }: Pick<Ports, 'tasks'>, { projectId, query }: ListTasks): Promise<Page<Task>> {
  return foundProject(await tasks.list(projectId, query), projectId);
}
