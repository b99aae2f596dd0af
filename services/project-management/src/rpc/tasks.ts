import type { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { idIn } from '@rondo/resources';
import { type Handlers, reading } from '@rondo/rpc/server';
import { taskNames } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import type { Task } from '../domain/task.js';
import {
  batchCreateTasks,
  createTask,
  deleteTask,
  getTask,
  listTasks,
  undeleteTask,
  updateTask,
} from '../usecases/tasks.js';
import { withRpcErrors } from './errors.js';
import {
  dependencyFields,
  readBatchCreateTasks,
  readCreateTask,
  readDeleteTask,
  readListTasks,
  readUpdateTask,
  referencesOf,
  toTaskMessage,
} from './task-message.js';

/** The handlers of `projects.v1.TaskService`. */
export function taskHandlers(ports: Ports): Handlers<typeof TaskServiceDefinition> {
  return {
    createTask: reading(readCreateTask, (command) => {
      const references = referencesOf(command.projectId, 'task', command);
      return withRpcErrors(createTask(ports, command, toTaskMessage), references);
    }),
    batchCreateTasks: reading(readBatchCreateTasks, (command) => {
      const references = command.tasks.flatMap((task, index) =>
        referencesOf(command.projectId, `requests[${index}].task`, task),
      );
      const toReply = (tasks: readonly Task[]) => ({ tasks: tasks.map(toTaskMessage) });
      return withRpcErrors(batchCreateTasks(ports, command, toReply), references);
    }),
    async getTask({ name }) {
      return toTaskMessage(await withRpcErrors(getTask(ports, idIn(taskNames, name))));
    },
    listTasks: reading(readListTasks, async ({ tokenOf, ...tasks }) => {
      const { items, next } = await withRpcErrors(listTasks(ports, tasks));
      return { tasks: items.map(toTaskMessage), nextPageToken: tokenOf(next) };
    }),
    updateTask: reading(readUpdateTask, async (change) => {
      const { projectId, fields } = change;
      const assignee = { path: 'task.assignee', memberId: fields.assigneeId };
      const references = [assignee, ...dependencyFields(projectId, 'task', fields.dependencies)];
      return toTaskMessage(await withRpcErrors(updateTask(ports, change), references));
    }),
    deleteTask: reading(readDeleteTask, async (deletion) => {
      return toTaskMessage(await withRpcErrors(deleteTask(ports, deletion)));
    }),
    async undeleteTask({ name }) {
      return toTaskMessage(await withRpcErrors(undeleteTask(ports, idIn(taskNames, name))));
    },
  };
}
