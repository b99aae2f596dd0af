import type { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import type { Handlers } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
import type { Ports } from '../domain/ports.js';
import { createTask } from '../usecases/create-task.js';
import { getTask } from '../usecases/get-task.js';
import { listTasks } from '../usecases/list-tasks.js';
import { updateTask } from '../usecases/update-task.js';
import { answered } from './errors.js';
import { readProjectName, readTaskName } from './names.js';
import { readPage, toPageToken } from './pages.js';
import { readCreateTask, readUpdateTask, toTaskMessage } from './task-message.js';

/** What answers `projects.v1.TaskService`. */
export function taskHandlers(ports: Ports): Handlers<typeof TaskServiceDefinition> {
  return {
    async createTask(message) {
      const { command, key } = readCreateTask(message);
      const assignee = { path: 'task.assignee', memberId: command.task.assigneeId };
      return toTaskMessage(await answered(createTask(ports, command, key), [assignee]));
    },
    async getTask({ name }) {
      const id = validate((field) => readTaskName(field('name'), name));
      return toTaskMessage(await answered(getTask(ports, id)));
    },
    async listTasks(message) {
      const { parent } = message;
      const command = validate((field) => ({
        projectId: readProjectName(field('parent'), parent),
        query: readPage(field, `${parent}/tasks`, message),
      }));
      const { items, next } = await answered(listTasks(ports, command));
      return { tasks: items.map(toTaskMessage), nextPageToken: toPageToken(`${parent}/tasks`, next) };
    },
    async updateTask(message) {
      const change = readUpdateTask(message);
      const assignee = { path: 'task.assignee', memberId: change.fields.assigneeId };
      return toTaskMessage(await answered(updateTask(ports, change), [assignee]));
    },
  };
}
