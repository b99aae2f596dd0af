import { requireFresh } from './etag.js';
import { taskName } from './names.js';
import { type Project, requireNotArchived } from './project.js';
import { type Moves, requireMove } from './state-machine.js';

/** Every state of a task. */
export const TASK_STATES = ['OPEN', 'IN_PROGRESS', 'DONE', 'CANCELLED'] as const;

/** Where a task stands. */
export type TaskState = (typeof TASK_STATES)[number];

/** The states that may follow each state. */
export const TASK_MOVES: Moves<TaskState> = {
  OPEN: ['IN_PROGRESS', 'CANCELLED'],
  IN_PROGRESS: ['OPEN', 'DONE', 'CANCELLED'],
  DONE: ['IN_PROGRESS'],
  CANCELLED: [],
};

/** The states that a task may be created in. */
export const FIRST_TASK_STATES: readonly TaskState[] = ['OPEN', 'IN_PROGRESS'];

/** What a caller says of a task. */
export interface TaskFields {
  readonly title: string;
  readonly state: TaskState;
  /** The id of a member. */
  readonly assigneeId: string | undefined;
  readonly effortMinutes: bigint;
}

/** A task to be made. */
export interface NewTask extends TaskFields {
  readonly id: string;
  readonly projectId: string;
}

/** A piece of a project. */
export interface Task extends NewTask {
  readonly createTime: Date;
  readonly updateTime: Date;
  /** Counts the changes, from 1. */
  readonly version: bigint;
}

/** A change that a caller asks for: a field that is there is set, to undefined too; one that isn't stays. */
export interface TaskChange {
  readonly projectId: string;
  readonly taskId: string;
  readonly fields: Partial<TaskFields>;
  /** The etag the caller read; undefined for whatever is there. */
  readonly etag: string | undefined;
}

/**
 * A task of `project` as it is after a change; the very same object where nothing would differ.
 *
 * @throws StaleEtag, IllegalMove, ProjectArchived.
 */
export function changeTask(task: Task, project: Project, { fields, etag }: TaskChange): Task {
  const name = taskName({ projectId: task.projectId, taskId: task.id });
  requireFresh(name, task.version, etag);
  const changed: Task = { ...task, ...fields };
  if (sameFields(task, changed)) return task;
  requireNotArchived(project);
  requireMove(name, TASK_MOVES, { from: task.state, to: changed.state });
  return changed;
}

function sameFields(a: TaskFields, b: TaskFields): boolean {
  return (
    a.title === b.title && a.state === b.state && a.assigneeId === b.assigneeId && a.effortMinutes === b.effortMinutes
  );
}
