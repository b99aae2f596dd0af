import { type ChangedSince, requireUnchanged } from '../domain/freshness.js';
import { projectName } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import type { Project } from '../domain/project.js';
import { foundProject } from './found.js';

/** Which project, as its caller has read it. */
export interface DeleteProject {
  readonly id: string;
  readonly changedSince: ChangedSince<Project>;
}

/** Deletes a project; one that is deleted already stays as it is. @throws NotFound, LostRace. */
export async function deleteProject(
  { projects }: Pick<Ports, 'projects'>,
  { id, changedSince }: DeleteProject,
): Promise<Project> {
  const admit = (project: Project) => requireUnchanged(projectName(id), project, changedSince);
  return foundProject(await projects.delete(id, admit), id);
}

/** Brings a project back; one that isn't deleted stays as it is. @throws NotFound. */
export async function undeleteProject({ projects }: Pick<Ports, 'projects'>, id: string): Promise<Project> {
  return foundProject(await projects.undelete(id), id);
}
