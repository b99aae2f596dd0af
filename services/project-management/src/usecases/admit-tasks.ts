import { findCircle } from '../domain/dependencies.js';
import type { Admit } from '../domain/ports.js';
import { requireOpen } from '../domain/project.js';
import type { NewTask } from '../domain/task.js';
import { DependencyCircle } from '../domain/task-errors.js';
import { foundProject } from './found.js';

/**
 * What has to hold for tasks to be added to a project. Nothing that is there depends on them yet, so that a circle can
 * only be among themselves.
 *
 * @throws NotFound, ProjectDeleted, ProjectArchived, DependencyCircle.
 */
export function admitTasks(projectId: string, tasks: readonly NewTask[]): Admit {
  return (project) => {
    requireOpen(foundProject(project, projectId));
    const circle = findCircle(new Map(tasks.map(({ id, dependencies }) => [id, dependencies])));
    if (circle !== undefined) throw new DependencyCircle(projectId, circle);
  };
}
