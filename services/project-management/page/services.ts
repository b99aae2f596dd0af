import { serviceOf } from '@rondo/console/page';
import type { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import type { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';

export const projects = serviceOf<typeof ProjectServiceDefinition>('projects.v1.ProjectService');
export const tasks = serviceOf<typeof TaskServiceDefinition>('projects.v1.TaskService');
