import type { Ports } from '../domain/ports.js';
import { changeProject, type Project, type ProjectChange } from '../domain/project.js';
import { foundProject } from './found.js';

/** Changes a project. @throws NotFound, UnknownReferences and what `changeProject` throws. */
export async function updateProject({ projects }: Pick<Ports, 'projects'>, change: ProjectChange): Promise<Project> {
  const updated = await projects.update(change.id, (present) => changeProject(present, change));
  return foundProject(updated, change.id);
}
