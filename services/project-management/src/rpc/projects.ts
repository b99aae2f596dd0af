import type { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import type { Handlers } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
import type { Ports } from '../domain/ports.js';
import { type CreateProject, createProject } from '../usecases/create-project.js';
import { estimateProject } from '../usecases/estimate-project.js';
import { getProject } from '../usecases/get-project.js';
import { listProjects } from '../usecases/list-projects.js';
import { updateProject } from '../usecases/update-project.js';
import { watchProject } from '../usecases/watch-project.js';
import { answered, type MemberField, toStatus } from './errors.js';
import { readProjectName } from './names.js';
import { readPage, toPageToken } from './pages.js';
import { readCreateProject, readUpdateProject, toEventMessage, toProjectMessage } from './project-message.js';

/** What answers `projects.v1.ProjectService`. */
export function projectHandlers(ports: Ports): Handlers<typeof ProjectServiceDefinition> {
  return {
    async createProject(message) {
      const { command, key } = readCreateProject(message);
      return toProjectMessage(await answered(createProject(ports, command, key), memberFieldsOf(command)));
    },
    async getProject({ name }) {
      return toProjectMessage(await answered(getProject(ports, readName(name))));
    },
    async listProjects(message) {
      const query = validate((field) => readPage(field, 'projects', message));
      const { items, next } = await answered(listProjects(ports, query));
      return { projects: items.map(toProjectMessage), nextPageToken: toPageToken('projects', next) };
    },
    async updateProject(message) {
      const change = readUpdateProject(message);
      const owner = { path: 'project.owner', memberId: change.fields.ownerId };
      return toProjectMessage(await answered(updateProject(ports, change), [owner]));
    },
    async estimateProject({ name }) {
      return answered(estimateProject(ports, readName(name)));
    },
    async *watchProject({ name }, { signal }) {
      try {
        for await (const event of watchProject(ports, readName(name), signal)) yield toEventMessage(event);
      } catch (error) {
        throw toStatus(error);
      }
    },
  };
}

function readName(name: string): string {
  return validate((field) => readProjectName(field('name'), name));
}

function memberFieldsOf({ project, tasks }: CreateProject): readonly MemberField[] {
  const assignees = tasks.map(({ assigneeId }, index) => ({ path: `tasks[${index}].assignee`, memberId: assigneeId }));
  return [{ path: 'project.owner', memberId: project.ownerId }, ...assignees];
}
