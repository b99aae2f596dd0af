import type { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { idIn, nextPageToken, readList } from '@rondo/resources';
import { type Handlers, reading } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
import { projectNames } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import { estimateProject } from '../usecases/estimate-project.js';
import {
  type CreateProject,
  createProject,
  deleteProject,
  getProject,
  listProjects,
  undeleteProject,
  updateProject,
} from '../usecases/projects.js';
import { type MemberField, toRpcError, withRpcErrors } from './errors.js';
import {
  PROJECTS,
  readCreateProject,
  readDeleteProject,
  readUpdateProject,
  toEstimateMessage,
  toEventMessage,
  toProjectMessage,
} from './project-message.js';

/** The handlers of `projects.v1.ProjectService`. */
export function projectHandlers(ports: Ports): Handlers<typeof ProjectServiceDefinition> {
  return {
    createProject: reading(readCreateProject, (command) => {
      return withRpcErrors(createProject(ports, command, toProjectMessage), memberFieldsOf(command));
    }),
    async getProject({ name }) {
      return toProjectMessage(await withRpcErrors(getProject(ports, idIn(projectNames, name))));
    },
    async listProjects(message) {
      const query = validate((field) => readList(field, PROJECTS, message));
      const { items, next } = await withRpcErrors(listProjects(ports, query));
      return { projects: items.map(toProjectMessage), nextPageToken: nextPageToken(PROJECTS, message, next) };
    },
    updateProject: reading(readUpdateProject, async (change) => {
      const owner = { path: 'project.owner', memberId: change.fields.ownerId };
      return toProjectMessage(await withRpcErrors(updateProject(ports, change), [owner]));
    }),
    deleteProject: reading(readDeleteProject, async (deletion) => {
      return toProjectMessage(await withRpcErrors(deleteProject(ports, deletion)));
    }),
    async undeleteProject({ name }) {
      return toProjectMessage(await withRpcErrors(undeleteProject(ports, idIn(projectNames, name))));
    },
    async estimateProject({ name }) {
      const projectId = idIn(projectNames, name);
      return toEstimateMessage(projectId, await withRpcErrors(estimateProject(ports, projectId)));
    },
    async *watchProject({ name, resumeToken }, { signal }) {
      const watch = { projectId: idIn(projectNames, name), resumeToken, signal };
      try {
        for await (const event of ports.feed.watch(watch)) yield toEventMessage(event);
      } catch (error) {
        throw toRpcError(error);
      }
    },
  };
}

function memberFieldsOf({ project, tasks }: CreateProject): readonly MemberField[] {
  const assignees = tasks.map(({ assigneeId }, index) => ({ path: `tasks[${index}].assignee`, memberId: assigneeId }));
  return [{ path: 'project.owner', memberId: project.ownerId }, ...assignees];
}
