import { type ChangedSince, type ListQuery, type Page, requireUnchanged } from '@rondo/resources/domain';
import { projectName } from '../domain/names.js';
import { mondayAt } from '../domain/planning/days.js';
import type { Ports } from '../domain/ports.js';
import { changeProject, type Project, type ProjectChange, type ProjectFields } from '../domain/project.js';
import type { TaskFields } from '../domain/task.js';
import { foundProject } from './found.js';

/** A new project with its first tasks. */
export interface CreateProject {
  readonly project: ProjectFields;
  readonly tasks: readonly TaskFields[];
}

/** Creates a project with its first tasks, all or nothing. It appends no change, as a new project has no watchers. */
export function createProject<R>(
  { projects, newId }: Pick<Ports, 'projects' | 'newId'>,
  command: CreateProject,
  toReply: (project: Project) => R,
): Promise<R> {
  const id = newId();
  const tasks = command.tasks.map((task) => ({ ...task, id: newId(), projectId: id }));
  const links = { quoteId: undefined, orderId: undefined };
  return projects.create({ ...command.project, ...links, id }, tasks, toReply);
}

/** One project. @throws NotFound. */
export async function getProject({ projects }: Pick<Ports, 'projects'>, id: string): Promise<Project> {
  return foundProject(await projects.find(id), id);
}

/** One page of the projects, the newest first. */
export function listProjects({ projects }: Pick<Ports, 'projects'>, query: ListQuery): Promise<Page<Project>> {
  return projects.list(query);
}

/** Changes a project. @throws NotFound, UnknownReferences and what `changeProject` throws. */
export async function updateProject(
  { projects, now }: Pick<Ports, 'projects' | 'now'>,
  change: ProjectChange,
): Promise<Project> {
  const updated = await projects.update(change.id, (present) => changeProject(present, change), mondayAt(now()));
  return foundProject(updated, change.id);
}

/** The project to delete, and the etag to check. */
export interface DeleteProject {
  readonly id: string;
  readonly changedSince: ChangedSince<Project>;
}

/** Deletes a project. A deleted project is returned as it is. @throws NotFound, StaleEtag. */
export async function deleteProject(
  { projects }: Pick<Ports, 'projects'>,
  { id, changedSince }: DeleteProject,
): Promise<Project> {
  const admit = (project: Project) => requireUnchanged(projectName(id), project, changedSince);
  return foundProject(await projects.delete(id, admit), id);
}

/** Undeletes a project. One that isn't deleted is returned as it is. @throws NotFound. */
export async function undeleteProject({ projects }: Pick<Ports, 'projects'>, id: string): Promise<Project> {
  return foundProject(await projects.undelete(id), id);
}
