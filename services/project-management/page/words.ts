import type { Json } from '@rondo/console/page';
import type { ProjectState } from '@rondo/contracts/projects/v1/projects';
import type { Task, TaskState } from '@rondo/contracts/projects/v1/tasks';

/** A task as the board has it. */
export type BoardTask = Json<Task>;

/** The states of tasks, each a column. */
export const COLUMNS = [
  'TASK_STATE_OPEN',
  'TASK_STATE_IN_PROGRESS',
  'TASK_STATE_DONE',
  'TASK_STATE_CANCELLED',
] as const;

/** A state of tasks that a column shows. */
export type Column = (typeof COLUMNS)[number] & keyof typeof TaskState;

const WORDS: Readonly<Record<keyof typeof ProjectState | keyof typeof TaskState, string>> = {
  PROJECT_STATE_UNSPECIFIED: '',
  PROJECT_STATE_PLANNED: 'Planned',
  PROJECT_STATE_ACTIVE: 'Active',
  PROJECT_STATE_DONE: 'Done',
  PROJECT_STATE_ARCHIVED: 'Archived',
  TASK_STATE_UNSPECIFIED: '',
  TASK_STATE_OPEN: 'Open',
  TASK_STATE_IN_PROGRESS: 'In progress',
  TASK_STATE_DONE: 'Done',
  TASK_STATE_CANCELLED: 'Cancelled',
  UNRECOGNIZED: '',
};

/** A state in words. */
export const wordOf = (state = ''): string => new Map(Object.entries(WORDS)).get(state) ?? state;

/** Where a task may go from a column, and what a person calls that. The service has the rule; this only leaves out what it refuses. */
export const MOVES: Readonly<Record<Column, readonly (readonly [to: Column, word: string])[]>> = {
  TASK_STATE_OPEN: [
    ['TASK_STATE_IN_PROGRESS', 'Start'],
    ['TASK_STATE_CANCELLED', 'Cancel'],
  ],
  TASK_STATE_IN_PROGRESS: [
    ['TASK_STATE_OPEN', 'Put back'],
    ['TASK_STATE_DONE', 'Finish'],
    ['TASK_STATE_CANCELLED', 'Cancel'],
  ],
  TASK_STATE_DONE: [['TASK_STATE_IN_PROGRESS', 'Reopen']],
  TASK_STATE_CANCELLED: [],
};
