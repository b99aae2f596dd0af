import type { Ports } from '../domain/ports.js';
import type { Project, ProjectFields } from '../domain/project.js';
import type { RequestKey } from '../domain/request-key.js';
import type { TaskFields } from '../domain/task.js';

/** A project to be made, with its first tasks. */
export interface CreateProject {
  readonly project: ProjectFields;
  readonly tasks: readonly TaskFields[];
}

/** Creates a project with its first tasks: all of it or nothing. A new project has no watchers to tell. */
export function createProject(
  { projects, newId }: Pick<Ports, 'projects' | 'newId'>,
  command: CreateProject,
  key: RequestKey | undefined,
): Promise<Project> {
  const id = newId();
  const tasks = command.tasks.map((task) => ({ ...task, id: newId(), projectId: id }));
  return projects.create({ ...command.project, id }, tasks, key);
}
