import {
  type DeleteTaskRequest,
  Task as TaskMessage,
  type UpdateTaskRequest,
} from '@rondo/contracts/projects/v1/tasks';
import { etagOf, readEtag, readUpdateMask } from '@rondo/resources';
import { checked, type FieldAt, validate } from '@rondo/rpc/status';
import { optionalMemberName, taskName } from '../domain/names.js';
import { effortFault, titleFault } from '../domain/rules.js';
import type { Task, TaskChange, TaskFields } from '../domain/task.js';
import type { DeleteTask } from '../usecases/delete-task.js';
import { etaggedTask } from './etags.js';
import { readDependencies, readOptionalMember, readTaskName } from './names.js';
import { readFirstTaskState, readTaskState, TASK_STATE_MESSAGES } from './states.js';

/** What a task of a project is to be created with; `field` is at the task's own paths. */
export function readTaskFields(field: FieldAt, task: TaskMessage, projectId: string): TaskFields {
  return {
    title: checked(field('title'), task.title, titleFault),
    state: readFirstTaskState(field('state'), task.state),
    assigneeId: readOptionalMember(field('assignee'), task.assignee),
    effortMinutes: checked(field('effort_minutes'), task.effortMinutes, effortFault),
    dependencies: readDependencies(field, task.dependencies, projectId),
  };
}

/** What a task is to be created with together with its project, whose tasks have no names to depend on yet. */
export function readFirstTask(field: FieldAt, task: TaskMessage): TaskFields {
  if (task.dependencies.length > 0) {
    field('dependencies')('must be empty, as the tasks of a new project have no names yet; add it by BatchCreateTasks');
  }
  return readTaskFields(field, { ...task, dependencies: [] }, '');
}

/** What `UpdateTask` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readUpdateTask({ task = TaskMessage.fromPartial({}), updateMask }: UpdateTaskRequest): TaskChange {
  return validate((field) => {
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
      ...(changes('title') && { title: checked(at('title'), title, titleFault) }),
      ...(changes('state') && { state: readTaskState(at('state'), state) }),
      ...(changes('assignee') && { assigneeId: readOptionalMember(at('assignee'), assignee) }),
      ...(changes('effort_minutes') && { effortMinutes: checked(at('effort_minutes'), effortMinutes, effortFault) }),
      ...(changes('dependencies') && { dependencies: readDependencies(at, dependencies, id.projectId) }),
    };
    return { ...id, fields, changedSince: readEtag(at('etag'), task.etag, etaggedTask) };
  });
}

/** What `DeleteTask` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readDeleteTask({ name, etag }: DeleteTaskRequest): DeleteTask {
  return validate((field) => ({
    ...readTaskName(field('name'), name),
    changedSince: readEtag(field('etag'), etag, etaggedTask),
  }));
}

/** A task as the contract has it. */
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
