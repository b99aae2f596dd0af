import type { Ports } from '../domain/ports.js';
import { changeProject, type Project, type ProjectChange } from '../domain/project.js';
import { announce } from './announce.js';
import { foundProject } from './found.js';

/** Changes a project and tells its watchers. @throws NotFound, UnknownMembers and what `changeProject` throws. */
export async function updateProject(
  { projects, changes }: Pick<Ports, 'projects' | 'changes'>,
  change: ProjectChange,
): Promise<Project> {
  const { project } = await announce(changes, change.id, async () => {
    const updated = await projects.update(change.id, (present) => changeProject(present, change));
    return { kind: 'project', project: foundProject(updated, change.id) } as const;
  });
  return project;
}
