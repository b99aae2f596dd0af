import {
  type BatchCreateTasksRequest,
  type CreateTaskRequest,
  type DeleteTaskRequest,
  type ListTasksRequest,
  Task as TaskMessage,
  type UpdateTaskRequest,
} from '@rondo/contracts/projects/v1/tasks';
import {
  type Etagged,
  etagOf,
  type List,
  nameField,
  nextPageToken,
  readEtag,
  readList,
  readUpdateMask,
  required,
} from '@rondo/resources';
import type { Place } from '@rondo/resources/domain';
import type { FieldAt } from '@rondo/rpc/status';
import { memberNames, optionalMemberName, taskName } from '../domain/names.js';
import { TASK_STATES, type Task, type TaskChange, type TaskFields } from '../domain/task.js';
import type { BatchCreateTasks, CreateTask, DeleteTask } from '../usecases/tasks.js';
import type { ReferenceField } from './errors.js';
import { readDependencies, readOptionalMember, readProjectName, readTaskName } from './names.js';
import { readFirstTaskState, readTaskState, TASK_STATE_MESSAGES } from './states.js';

/** Reads which tasks are listed. `tokenOf` makes the token of the next page. */
export function readListTasks(request: ListTasksRequest, field: FieldAt) {
  const list = tasksOf(request.parent);
  return {
    projectId: readProjectName(field('parent'), request.parent),
    query: readList(field, list, request),
    tokenOf: (next: Place | undefined) => nextPageToken(list, request, next),
  };
}

/** The fields by which the tasks of a project can be filtered and sorted. */
function tasksOf(parent: string): List {
  const fields = {
    title: { kind: 'text' },
    state: { kind: 'enum', values: TASK_STATES },
    assignee: nameField(memberNames),
    effort_minutes: { kind: 'integer' },
    create_time: { kind: 'timestamp' },
  } as const;
  return { collection: `${parent}/tasks`, fields, sortable: ['create_time', 'title', 'effort_minutes'] };
}

export function readCreateTask(request: CreateTaskRequest, field: FieldAt): CreateTask {
  const projectId = readProjectName(field('parent'), request.parent);
  return { projectId, ...readNewTask(field, request, projectId) };
}

export function readBatchCreateTasks({ parent, requests }: BatchCreateTasksRequest, field: FieldAt): BatchCreateTasks {
  const projectId = readProjectName(field('parent'), parent);
  const ids = new Set<string>();
  const tasks = requests.map((one, index) => {
    const at: FieldAt = (path) => field(`requests[${index}].${path}`);
    if (one.parent !== '' && one.parent !== parent) at('parent')(`must be empty or "${parent}"; it is "${one.parent}"`);
    if (ids.has(one.taskId)) at('task_id')(`must be unique; another task of the batch has "${one.taskId}"`);
    if (one.taskId !== '') ids.add(one.taskId);
    const task = readNewTask(at, one, projectId);
    if (one.requestId !== '') at('request_id')('must be empty: the whole batch has one, request_id');
    return task;
  });
  return { projectId, tasks };
}

/** The fields of a new task that name members and tasks. `path` is the path of the task's message. */
export function referencesOf(
  projectId: string,
  path: string,
  { task }: Pick<CreateTask, 'task'>,
): readonly ReferenceField[] {
  return [
    { path: `${path}.assignee`, memberId: task.assigneeId },
    ...dependencyFields(projectId, path, task.dependencies),
  ];
}

/** The fields of a task that name its dependencies. */
export function dependencyFields(
  projectId: string,
  path: string,
  dependencies: readonly string[] = [],
): readonly ReferenceField[] {
  return dependencies.map((taskId, index) => ({
    path: `${path}.dependencies[${index}]`,
    taskId: { projectId, taskId },
  }));
}

function readNewTask(
  field: FieldAt,
  { task = TaskMessage.fromPartial({}), taskId }: CreateTaskRequest,
  projectId: string,
): Omit<CreateTask, 'projectId'> {
  return {
    taskId: taskId === '' ? undefined : taskId,
    task: readTaskFields((path) => field(`task.${path}`), task, projectId),
  };
}

/** Reads the fields of a new task. `field` reports faults at paths within the task. */
function readTaskFields(field: FieldAt, task: TaskMessage, projectId: string): TaskFields {
  return {
    title: required(field('title'), task.title),
    state: readFirstTaskState(field('state'), task.state),
    assigneeId: readOptionalMember(field('assignee'), task.assignee),
    effortMinutes: task.effortMinutes,
    dependencies: readDependencies(field, task.dependencies, projectId),
  };
}

/**
 * Reads a task that is created together with its project. It can't have dependencies, as its project has no names yet.
 */
export function readFirstTask(field: FieldAt, task: TaskMessage): TaskFields {
  if (task.dependencies.length > 0) {
    field('dependencies')(
      'must be empty, as the tasks of a new project have no names yet; add it with BatchCreateTasks',
    );
  }
  return readTaskFields(field, { ...task, dependencies: [] }, '');
}

export function readUpdateTask(
  { task = TaskMessage.fromPartial({}), updateMask }: UpdateTaskRequest,
  field: FieldAt,
): TaskChange {
  const at: FieldAt = (path) => field(`task.${path}`);
  const { title, state, assignee, effortMinutes, dependencies } = task;
  const changes = readUpdateMask(field('update_mask'), updateMask, {
    title: title !== '',
    state: state !== 0,
    assignee: assignee !== '',
    effort_minutes: effortMinutes !== 0n,
    dependencies: dependencies.length > 0,
  });
  const id = readTaskName(at('name'), task.name);
  const fields: Partial<TaskFields> = {
    ...(changes('title') && { title: required(at('title'), title) }),
    ...(changes('state') && { state: readTaskState(at('state'), state) }),
    ...(changes('assignee') && { assigneeId: readOptionalMember(at('assignee'), assignee) }),
    ...(changes('effort_minutes') && { effortMinutes }),
    ...(changes('dependencies') && { dependencies: readDependencies(at, dependencies, id.projectId) }),
  };
  return { ...id, fields, changedSince: readEtag(at('etag'), task.etag, etaggedTask) };
}

export function readDeleteTask({ name, etag }: DeleteTaskRequest, field: FieldAt): DeleteTask {
  return {
    ...readTaskName(field('name'), name),
    changedSince: readEtag(field('etag'), etag, etaggedTask),
  };
}

export function toTaskMessage(task: Task): TaskMessage {
  const { projectId } = task;
  return {
    name: taskName({ projectId, taskId: task.id }),
    title: task.title,
    state: TASK_STATE_MESSAGES[task.state],
    assignee: optionalMemberName(task.assigneeId),
    effortMinutes: task.effortMinutes,
    createTime: task.createTime,
    updateTime: task.updateTime,
    etag: etagOf(etaggedTask(task)),
    dependencies: task.dependencies.map((taskId) => taskName({ projectId, taskId })),
    deleteTime: task.deleteTime,
  };
}

/** The order of these fields must never change: the etags that callers hold depend on it. */
function etaggedTask({ id, projectId, version, createTime, updateTime, ...task }: Task): Etagged {
  const { title, state } = task;
  const fields = {
    title,
    state,
    assignee: optionalMemberName(task.assigneeId),
    effort_minutes: task.effortMinutes,
    dependencies: task.dependencies.map((taskId) => taskName({ projectId, taskId })),
    delete_time: task.deleteTime,
  };
  return { name: taskName({ projectId, taskId: id }), version, createTime, updateTime, fields };
}
