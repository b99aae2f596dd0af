import type { FilterField, List } from '@rondo/resources';
import { memberNames, projectNames } from '../domain/names.js';
import { PROJECT_STATES } from '../domain/project.js';
import { TASK_STATES } from '../domain/task.js';

const MEMBER: FilterField = { kind: 'name', pattern: memberNames.pattern, read: memberNames.parse };

/** The list of projects. */
export const PROJECTS: List = {
  collection: 'projects',
  fields: {
    title: { kind: 'text' },
    state: { kind: 'enum', values: PROJECT_STATES },
    owner: MEMBER,
    start_date: { kind: 'date' },
    due_date: { kind: 'date' },
    create_time: { kind: 'timestamp' },
  },
};

/** The list of members. */
export const MEMBERS: List = {
  collection: 'members',
  fields: {
    display_name: { kind: 'text' },
    email: { kind: 'text' },
    weekly_capacity_minutes: { kind: 'integer' },
    create_time: { kind: 'timestamp' },
  },
};

/** The list of a project's tasks. */
export function tasksOf(parent: string): List {
  const fields = {
    title: { kind: 'text' },
    state: { kind: 'enum', values: TASK_STATES },
    assignee: MEMBER,
    effort_minutes: { kind: 'integer' },
    create_time: { kind: 'timestamp' },
  } as const;
  return { collection: `${parent}/tasks`, fields };
}

/** The list of a member's reservations. */
export function reservationsOf(parent: string): List {
  const fields = {
    project: { kind: 'name', pattern: projectNames.pattern, read: projectNames.parse },
    week_start_date: { kind: 'date' },
    minutes: { kind: 'integer' },
  } as const;
  return { collection: `${parent}/reservations`, fields };
}
