import {
  type BatchCreateTasksRequest,
  type CreateTaskRequest,
  Task as TaskMessage,
} from '@rondo/contracts/projects/v1/tasks';
import { readRequestKey } from '@rondo/resources';
import { checked, type FieldAt, validate } from '@rondo/rpc/status';
import type { RequestKey } from '../domain/request-key.js';
import { batchFault, taskIdFault } from '../domain/rules.js';
import type { BatchCreateTasks } from '../usecases/batch-create-tasks.js';
import type { CreateTask } from '../usecases/create-task.js';
import type { ReferenceField } from './errors.js';
import { readProjectName } from './names.js';
import { readTaskFields } from './task-message.js';

/** What a call asks for, and what makes it safe to repeat. */
interface Keyed<Command> {
  readonly command: Command;
  readonly key: RequestKey | undefined;
}

/** What `CreateTask` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readCreateTask(request: CreateTaskRequest): Keyed<CreateTask> {
  return validate((field) => {
    const projectId = readProjectName(field('parent'), request.parent);
    const command = { projectId, ...readNewTask(field, request, projectId) };
    return { command, key: readRequestKey(field('request_id'), request.requestId, command) };
  });
}

/** What `BatchCreateTasks` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readBatchCreateTasks(request: BatchCreateTasksRequest): Keyed<BatchCreateTasks> {
  return validate((field) => {
    const { parent, requests } = request;
    const projectId = readProjectName(field('parent'), parent);
    checked(field('requests'), requests.length, batchFault);
    const ids = new Set<string>();
    const tasks = requests.map((one, index) => {
      const at: FieldAt = (path) => field(`requests[${index}].${path}`);
      if (one.parent !== '' && one.parent !== parent)
        at('parent')(`must be empty or "${parent}"; it is "${one.parent}"`);
      if (ids.has(one.taskId)) at('task_id')(`must be of one task alone; another has "${one.taskId}", too`);
      if (one.taskId !== '') ids.add(one.taskId);
      const task = readNewTask(at, one, projectId);
      if (one.requestId !== '') at('request_id')('must be empty: the whole batch has one, request_id');
      return task;
    });
    const command = { projectId, tasks };
    return { command, key: readRequestKey(field('request_id'), request.requestId, command) };
  });
}

/** Where a task that is to be created names others; `path` leads to the message of the task. */
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

/** Where a task names what it depends on. */
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
  checked(field('task_id'), taskId, taskIdFault);
  return {
    taskId: taskId === '' ? undefined : taskId,
    task: readTaskFields((path) => field(`task.${path}`), task, projectId),
  };
}
