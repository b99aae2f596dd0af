import { type CreateProjectRequest, type DeleteProjectRequest, Project as ProjectMessage, type UpdateProjectRequest, type WatchProjectResponse, type EstimateProjectResponse } from '@rondo/contracts/projects/v1/projects';
import { etagOf, readDate, readEtag, readRequestKey, readUpdateMask, toDateMessage } from '@rondo/resources';
import { checked, type FieldAt, validate } from '@rondo/rpc/status';
import type { ProjectEvent } from '../domain/project-feed.js';
import { optionalMemberName, projectName, taskName } from '../domain/names.js';
import { dueDateFault, type Project, type ProjectChange, type ProjectFields } from '../domain/project.js';
import type { RequestKey } from '../domain/request-key.js';
import { firstTasksFault, titleFault } from '../domain/rules.js';
import type { CreateProject, DeleteProject } from '../usecases/projects.js';
import { etaggedProject } from './etags.js';
import { readOptionalMember, readProjectName } from './names.js';
import { PROJECT_STATE_MESSAGES, readFirstProjectState, readProjectState } from './states.js';
import { readFirstTask, toTaskMessage } from './task-message.js';
import type { ProjectEstimate } from '../usecases/estimate-project.js';

/** What `CreateProject` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readCreateProject(request: CreateProjectRequest): {
  readonly command: CreateProject;
  readonly key: RequestKey | undefined;
} {
  return validate((field) => {
    const command = readProjectWithTasks(field, request);
    return { command, key: readRequestKey(field('request_id'), request.requestId, command) };
  });
}

/** A project to be made, with its first tasks. */
export function readProjectWithTasks(
  field: FieldAt,
  { project = ProjectMessage.fromPartial({}), tasks }: Pick<CreateProjectRequest, 'project' | 'tasks'>,
): CreateProject {
  checked(field('tasks'), tasks.length, firstTasksFault);
  return {
    project: readFields(field, project),
    tasks: tasks.map((task, index) => readFirstTask((path) => field(`tasks[${index}].${path}`), task)),
  };
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
    return { id, fields, changedSince: readEtag(field('project.etag'), project.etag, etaggedProject) };
  });
}

/** What `DeleteProject` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readDeleteProject({ name, etag }: DeleteProjectRequest): DeleteProject {
  return validate((field) => ({
    id: readProjectName(field('name'), name),
    changedSince: readEtag(field('etag'), etag, etaggedProject),
  }));
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
    etag: etagOf(etaggedProject(project)),
    deleteTime: project.deleteTime,
  };
}

/** An event of a watch as the contract has it. */
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

/** An estimate as the contract has it. */
export function toEstimateMessage(projectId: string, estimate: ProjectEstimate): EstimateProjectResponse {
  const { criticalPath, finishDate, ...figures } = estimate;
  return {
    ...figures,
    criticalPath: criticalPath.map((taskId) => taskName({ projectId, taskId })),
    finishDate: toDateMessage(finishDate),
  };
}
