import {
  type CreateProjectRequest,
  type DeleteProjectRequest,
  type EstimateProjectResponse,
  Project as ProjectMessage,
  type UpdateProjectRequest,
  type WatchProjectResponse,
  type WatchProjectsResponse,
} from '@rondo/contracts/projects/v1/projects';
import {
  type Etagged,
  etagOf,
  type List,
  nameField,
  readDate,
  readEtag,
  readUpdateMask,
  required,
  toDateMessage,
} from '@rondo/resources';
import type { ResourceEvent } from '@rondo/resources/domain';
import { checked, type FieldAt } from '@rondo/rpc/status';
import { memberNames, optionalMemberName, orderNames, projectName, quoteNames, taskName } from '../domain/names.js';
import {
  dueDateFault,
  PROJECT_STATES,
  type Project,
  type ProjectChange,
  type ProjectFields,
} from '../domain/project.js';
import type { ProjectEvent } from '../domain/project-feed.js';
import type { ProjectEstimate } from '../usecases/estimate-project.js';
import type { CreateProject, DeleteProject } from '../usecases/projects.js';
import { readOptionalMember, readProjectName } from './names.js';
import { PROJECT_STATE_MESSAGES, readFirstProjectState, readProjectState } from './states.js';
import { readFirstTask, toTaskMessage } from './task-message.js';

/** The fields by which projects can be filtered and sorted. */
export const PROJECTS: List = {
  collection: 'projects',
  fields: {
    title: { kind: 'text' },
    state: { kind: 'enum', values: PROJECT_STATES },
    owner: nameField(memberNames),
    start_date: { kind: 'date' },
    due_date: { kind: 'date' },
    quote: nameField(quoteNames),
    order: nameField(orderNames),
    create_time: { kind: 'timestamp' },
  },
  sortable: ['create_time', 'title', 'start_date', 'due_date'],
};

/** Reads a new project with its first tasks. */
export function readCreateProject(
  { project = ProjectMessage.fromPartial({}), tasks }: Pick<CreateProjectRequest, 'project' | 'tasks'>,
  field: FieldAt,
): CreateProject {
  return {
    project: readFields(field, project),
    tasks: tasks.map((task, index) => readFirstTask((path) => field(`tasks[${index}].${path}`), task)),
  };
}

export function readUpdateProject(
  { project = ProjectMessage.fromPartial({}), updateMask }: UpdateProjectRequest,
  field: FieldAt,
): ProjectChange {
  const { title, state, owner, startDate, dueDate, team } = project;
  const changes = readUpdateMask(field('update_mask'), updateMask, {
    title: title !== '',
    state: state !== 0,
    owner: owner !== '',
    start_date: startDate !== undefined,
    due_date: dueDate !== undefined,
    team: team !== '',
  });
  const fields: Partial<ProjectFields> = {
    ...(changes('title') && { title: required(field('project.title'), title) }),
    ...(changes('state') && { state: readProjectState(field('project.state'), state) }),
    ...(changes('owner') && { ownerId: readOptionalMember(field('project.owner'), owner) }),
    ...(changes('start_date') && { startDate: readDate(field('project.start_date'), startDate) }),
    ...(changes('due_date') && { dueDate: readDate(field('project.due_date'), dueDate) }),
    ...(changes('team') && { team }),
  };
  const id = readProjectName(field('project.name'), project.name);
  return { id, fields, changedSince: readEtag(field('project.etag'), project.etag, etaggedProject) };
}

export function readDeleteProject({ name, etag }: DeleteProjectRequest, field: FieldAt): DeleteProject {
  return {
    id: readProjectName(field('name'), name),
    changedSince: readEtag(field('etag'), etag, etaggedProject),
  };
}

export function toProjectMessage(project: Project): ProjectMessage {
  return {
    name: projectName(project.id),
    title: project.title,
    state: PROJECT_STATE_MESSAGES[project.state],
    owner: optionalMemberName(project.ownerId),
    startDate: toDateMessage(project.startDate),
    dueDate: toDateMessage(project.dueDate),
    createTime: project.createTime,
    updateTime: project.updateTime,
    etag: etagOf(etaggedProject(project)),
    deleteTime: project.deleteTime,
    team: project.team,
    quote: project.quoteId === undefined ? '' : `quotes/${project.quoteId}`,
    order: project.orderId === undefined ? '' : `orders/${project.orderId}`,
  };
}

export function toEventMessage(event: ProjectEvent): WatchProjectResponse {
  const { resumeToken } = event;
  switch (event.kind) {
    case 'snapshot': {
      const value = {
        project: toProjectMessage(event.project),
        tasks: event.tasks.map(toTaskMessage),
        more: event.more,
      };
      return { event: { $case: 'snapshot', value }, resumeToken };
    }
    case 'project':
      return { event: { $case: 'projectChanged', value: toProjectMessage(event.project) }, resumeToken };
    case 'task':
      return { event: { $case: 'taskChanged', value: toTaskMessage(event.task) }, resumeToken };
  }
}

export function toProjectsEventMessage(event: ResourceEvent<Project>): WatchProjectsResponse {
  const { resumeToken } = event;
  if (event.kind !== 'snapshot') {
    return { event: { $case: 'projectChanged', value: toProjectMessage(event.item) }, resumeToken };
  }
  const { items, first, more } = event;
  return { event: { $case: 'snapshot', value: { projects: items.map(toProjectMessage), first, more } }, resumeToken };
}

function readFields(field: FieldAt, { title, state, owner, startDate, dueDate, team }: ProjectMessage): ProjectFields {
  const fields = {
    team,
    title: required(field('project.title'), title),
    state: readFirstProjectState(field('project.state'), state),
    ownerId: readOptionalMember(field('project.owner'), owner),
    startDate: readDate(field('project.start_date'), startDate),
    dueDate: readDate(field('project.due_date'), dueDate),
  };
  return checked(field('project.due_date'), fields, dueDateFault);
}

export function toEstimateMessage(projectId: string, estimate: ProjectEstimate): EstimateProjectResponse {
  const { criticalPath, finishDate, ...figures } = estimate;
  return {
    ...figures,
    criticalPath: criticalPath.map((taskId) => taskName({ projectId, taskId })),
    finishDate: toDateMessage(finishDate),
  };
}

/** The order of these fields must never change: the etags that callers hold depend on it. */
function etaggedProject({ id, version, createTime, updateTime, ...project }: Project): Etagged {
  const { title, state, ownerId } = project;
  const fields = {
    title,
    state,
    owner: optionalMemberName(ownerId),
    start_date: project.startDate,
    due_date: project.dueDate,
    delete_time: project.deleteTime,
    team: project.team,
  };
  return { name: projectName(id), version, createTime, updateTime, fields };
}
