import type { Ports } from '../domain/ports.js';
import type { Project } from '../domain/project.js';
import { foundProject } from './found.js';

/** One project. @throws NotFound. */
export async function getProject({ projects }: Pick<Ports, 'projects'>, id: string): Promise<Project> {
  return foundProject(await projects.find(id), id);
}
