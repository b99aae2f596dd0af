import { watchOf } from '@rondo/access';
import type { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { idIn, nextPageToken, readList } from '@rondo/resources';
import { callPrincipal, type Principal } from '@rondo/rpc/call';
import { type Handlers, reading } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
import { projectNames } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import type { ProjectWatcher } from '../domain/project-feed.js';
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
import { requireProjectInSight } from '../usecases/sight.js';
import { type MemberField, streamWithRpcErrors, withRpcErrors } from './errors.js';
import {
  PROJECTS,
  readCreateProject,
  readDeleteProject,
  readUpdateProject,
  toEstimateMessage,
  toEventMessage,
  toProjectMessage,
  toProjectsEventMessage,
} from './project-message.js';

/** The handlers of `projects.v1.ProjectService`. */
export function projectHandlers(ports: Ports): Handlers<typeof ProjectServiceDefinition> {
  return {
    createProject: reading(readCreateProject, async (command, { values }) => {
      const principal = values.get(callPrincipal);
      const own = principal && command.project.team === '' ? await ports.teams.ofPerson(principal.subject) : undefined;
      const project = own === undefined ? command.project : { ...command.project, team: own };
      const creating = createProject(ports, { ...command, project }, toProjectMessage);
      return withRpcErrors(creating, memberFieldsOf(command));
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
    watchProject({ name, resumeToken }, { signal, values }) {
      const projectId = idIn(projectNames, name);
      const watcher = watcherOf(ports, projectId, values.get(callPrincipal));
      return streamWithRpcErrors(ports.feed.watch({ projectId, watcher, resumeToken, signal }), toEventMessage);
    },
    watchProjects: (request, call) =>
      streamWithRpcErrors(ports.feeds.projects.watch(watchOf(request, call)), toProjectsEventMessage),
  };
}

function watcherOf(ports: Ports, id: string, principal: Principal | undefined): ProjectWatcher | undefined {
  if (principal === undefined) return undefined;
  const identity = JSON.stringify([principal.issuer, principal.subject]);
  return { identity, requireInSight: () => requireProjectInSight(ports, principal, { id }) };
}

function memberFieldsOf({ project, tasks }: CreateProject): readonly MemberField[] {
  const assignees = tasks.map(({ assigneeId }, index) => ({ path: `tasks[${index}].assignee`, memberId: assigneeId }));
  return [{ path: 'project.owner', memberId: project.ownerId }, ...assignees];
}
