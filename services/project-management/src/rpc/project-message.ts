import {
  CreateProjectRequest,
  Project as ProjectMessage,
  type UpdateProjectRequest,
  type WatchProjectResponse,
} from '@rondo/contracts/projects/v1/projects';
import { checked, type FieldAt, validate } from '@rondo/rpc/status';
import type { ProjectEvent } from '../domain/change.js';
import { etagOf } from '../domain/etag.js';
import { optionalMemberName, projectName } from '../domain/names.js';
import { dueDateFault, type Project, type ProjectChange, type ProjectFields } from '../domain/project.js';
import type { RequestKey } from '../domain/request-key.js';
import { firstTasksFault, titleFault } from '../domain/rules.js';
import type { CreateProject } from '../usecases/create-project.js';
import { readDate, toDateMessage } from './dates.js';
import { readOptionalMember, readProjectName } from './names.js';
import { readRequestKey } from './request-keys.js';
import { PROJECT_STATE_MESSAGES, readFirstProjectState, readProjectState } from './states.js';
import { readTaskFields, toTaskMessage } from './task-message.js';
import { readUpdateMask } from './update-masks.js';

/** What `CreateProject` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readCreateProject(request: CreateProjectRequest): {
  readonly command: CreateProject;
  readonly key: RequestKey | undefined;
} {
  return validate((field) => {
    const { project = ProjectMessage.fromPartial({}), tasks } = request;
    checked(field('tasks'), tasks.length, firstTasksFault);
    const command = {
      project: readFields(field, project),
      tasks: tasks.map((task, index) => readTaskFields((path) => field(`tasks[${index}].${path}`), task)),
    };
    return { command, key: readRequestKey(field('request_id'), request, CreateProjectRequest) };
  });
}

/** What `UpdateProject` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readUpdateProject({
  project = ProjectMessage.fromPartial({}),
  updateMask,
}: UpdateProjectRequest): ProjectChange {
  return validate((field) => {
    const { title, state, owner, startDate, dueDate } = project;
    const changes = readUpdateMask(field('update_mask'), updateMask, {
      title: title !== '',
      state: state !== 0,
      owner: owner !== '',
      start_date: startDate !== undefined,
      due_date: dueDate !== undefined,
    });
    const fields: Partial<ProjectFields> = {
      ...(changes('title') && { title: checked(field('project.title'), title, titleFault) }),
      ...(changes('state') && { state: readProjectState(field('project.state'), state) }),
      ...(changes('owner') && { ownerId: readOptionalMember(field('project.owner'), owner) }),
      ...(changes('start_date') && { startDate: readDate(field('project.start_date'), startDate) }),
      ...(changes('due_date') && { dueDate: readDate(field('project.due_date'), dueDate) }),
    };
    const id = readProjectName(field('project.name'), project.name);
    return { id, fields, etag: project.etag === '' ? undefined : project.etag };
  });
}

/** A project as the contract has it. */
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
    etag: etagOf(project.version),
  };
}

/** An event of a watch as the contract has it. */
export function toEventMessage(event: ProjectEvent): WatchProjectResponse {
  switch (event.kind) {
    case 'snapshot': {
      const value = { project: toProjectMessage(event.project), tasks: event.tasks.map(toTaskMessage) };
      return { event: { $case: 'snapshot', value } };
    }
    case 'project':
      return { event: { $case: 'projectChanged', value: toProjectMessage(event.project) } };
    case 'task':
      return { event: { $case: 'taskChanged', value: toTaskMessage(event.task) } };
  }
}

function readFields(field: FieldAt, { title, state, owner, startDate, dueDate }: ProjectMessage): ProjectFields {
  const fields = {
    title: checked(field('project.title'), title, titleFault),
    state: readFirstProjectState(field('project.state'), state),
    ownerId: readOptionalMember(field('project.owner'), owner),
    startDate: readDate(field('project.start_date'), startDate),
    dueDate: readDate(field('project.due_date'), dueDate),
  };
  return checked(field('project.due_date'), fields, dueDateFault);
}
