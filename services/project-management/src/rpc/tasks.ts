import type { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { idIn, nextPageToken, readList } from '@rondo/resources';
import type { Handlers } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
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
import { readProjectName } from './names.js';
import {
  dependencyFields,
  readBatchCreateTasks,
  readCreateTask,
  readDeleteTask,
  readUpdateTask,
  referencesOf,
  tasksOf,
  toTaskMessage,
} from './task-message.js';

/** The handlers of `projects.v1.TaskService`. */
export function taskHandlers(ports: Ports): Handlers<typeof TaskServiceDefinition> {
  return {
    async createTask(message) {
      const command = readCreateTask(message);
      const references = referencesOf(command.projectId, 'task', command);
      return withRpcErrors(createTask(ports, command, toTaskMessage), references);
    },
    async batchCreateTasks(message) {
      const command = readBatchCreateTasks(message);
      const references = command.tasks.flatMap((task, index) =>
        referencesOf(command.projectId, `requests[${index}].task`, task),
      );
      const toReply = (tasks: readonly Task[]) => ({ tasks: tasks.map(toTaskMessage) });
      return withRpcErrors(batchCreateTasks(ports, command, toReply), references);
    },
    async getTask({ name }) {
      return toTaskMessage(await withRpcErrors(getTask(ports, idIn(taskNames, name))));
    },
    async listTasks(message) {
      const { parent } = message;
      const list = tasksOf(parent);
      const tasks = validate((field) => ({
        projectId: readProjectName(field('parent'), parent),
        query: readList(field, list, message),
      }));
      const { items, next } = await withRpcErrors(listTasks(ports, tasks));
      return { tasks: items.map(toTaskMessage), nextPageToken: nextPageToken(list, message, next) };
    },
    async updateTask(message) {
      const change = readUpdateTask(message);
      const { projectId, fields } = change;
      const assignee = { path: 'task.assignee', memberId: fields.assigneeId };
      const references = [assignee, ...dependencyFields(projectId, 'task', fields.dependencies)];
      return toTaskMessage(await withRpcErrors(updateTask(ports, change), references));
    },
    async deleteTask(message) {
      return toTaskMessage(await withRpcErrors(deleteTask(ports, readDeleteTask(message))));
    },
    async undeleteTask({ name }) {
      return toTaskMessage(await withRpcErrors(undeleteTask(ports, idIn(taskNames, name))));
    },
  };
}
