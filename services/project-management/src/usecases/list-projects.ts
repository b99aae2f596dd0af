import type { ListQuery, Page } from '../domain/page.js';
import type { Ports } from '../domain/ports.js';
import type { Project } from '../domain/project.js';

/** A page of the projects, the newest first. */
export function listProjects({ projects }: Pick<Ports, 'projects'>, query: ListQuery): Promise<Page<Project>> {
  return projects.list(query);
}
