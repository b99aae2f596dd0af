import { CreateTaskRequest, Task as TaskMessage, type UpdateTaskRequest } from '@rondo/contracts/projects/v1/tasks';
import { checked, type FieldAt, validate } from '@rondo/rpc/status';
import { etagOf } from '../domain/etag.js';
import { optionalMemberName, taskName } from '../domain/names.js';
import type { RequestKey } from '../domain/request-key.js';
import { effortFault, titleFault } from '../domain/rules.js';
import type { Task, TaskChange, TaskFields } from '../domain/task.js';
import type { CreateTask } from '../usecases/create-task.js';
import { readOptionalMember, readProjectName, readTaskName } from './names.js';
import { readRequestKey } from './request-keys.js';
import { readFirstTaskState, readTaskState, TASK_STATE_MESSAGES } from './states.js';
import { readUpdateMask } from './update-masks.js';

/** What `CreateTask` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readCreateTask(request: CreateTaskRequest): {
  readonly command: CreateTask;
  readonly key: RequestKey | undefined;
} {
  return validate((field) => {
    const { parent, task = TaskMessage.fromPartial({}) } = request;
    const command = {
      projectId: readProjectName(field('parent'), parent),
      task: readTaskFields((path) => field(`task.${path}`), task),
    };
    return { command, key: readRequestKey(field('request_id'), request, CreateTaskRequest) };
  });
}

/** What a task is to be created with; `field` is at the task's own paths. */
export function readTaskFields(field: FieldAt, { title, state, assignee, effortMinutes }: TaskMessage): TaskFields {
  return {
    title: checked(field('title'), title, titleFault),
    state: readFirstTaskState(field('state'), state),
    assigneeId: readOptionalMember(field('assignee'), assignee),
    effortMinutes: checked(field('effort_minutes'), effortMinutes, effortFault),
  };
}

/** What `UpdateTask` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readUpdateTask({ task = TaskMessage.fromPartial({}), updateMask }: UpdateTaskRequest): TaskChange {
  return validate((field) => {
    const { title, state, assignee, effortMinutes } = task;
    const changes = readUpdateMask(field('update_mask'), updateMask, {
      title: title !== '',
      state: state !== 0,
      assignee: assignee !== '',
      effort_minutes: effortMinutes !== 0n,
    });
    const fields: Partial<TaskFields> = {
      ...(changes('title') && { title: checked(field('task.title'), title, titleFault) }),
      ...(changes('state') && { state: readTaskState(field('task.state'), state) }),
      ...(changes('assignee') && { assigneeId: readOptionalMember(field('task.assignee'), assignee) }),
      ...(changes('effort_minutes') && {
        effortMinutes: checked(field('task.effort_minutes'), effortMinutes, effortFault),
      }),
    };
    const id = readTaskName(field('task.name'), task.name);
    return { ...id, fields, etag: task.etag === '' ? undefined : task.etag };
  });
}

/** A task as the contract has it. */
export function toTaskMessage(task: Task): TaskMessage {
  return {
    name: taskName({ projectId: task.projectId, taskId: task.id }),
    title: task.title,
    state: TASK_STATE_MESSAGES[task.state],
    assignee: optionalMemberName(task.assigneeId),
    effortMinutes: task.effortMinutes,
    createTime: task.createTime,
    updateTime: task.updateTime,
    etag: etagOf(task.version),
  };
}
