import { TaskDeleted } from './errors.js';
import { type ChangedSince, requireUnchanged, type Moves, requireMove } from './preconditions.js';
import { taskName } from './names.js';
import { type Project, requireOpen } from './project.js';

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
  /** Ids of tasks of the same project, each once: what has to be done before this is begun. */
  readonly dependencies: readonly string[];
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
  /** Undefined where it isn't deleted by itself; a deleted project's tasks are gone with it. */
  readonly deleteTime: Date | undefined;
  /** Counts the changes, from 1. */
  readonly version: bigint;
}

/** A change that a caller asks for: a field that is there is set, to undefined too; one that isn't stays. */
export interface TaskChange {
  readonly projectId: string;
  readonly taskId: string;
  readonly fields: Partial<TaskFields>;
  readonly changedSince: ChangedSince<Task>;
}

/**
 * A task of `project` as it is after a change; the very same object where nothing would differ.
 *
 * @throws LostRace, TaskDeleted, ProjectDeleted, ProjectArchived, IllegalMove.
 */
export function changeTask(task: Task, project: Project, { fields, changedSince }: TaskChange): Task {
  const name = taskName({ projectId: task.projectId, taskId: task.id });
  requireUnchanged(name, task, changedSince);
  if (task.deleteTime !== undefined) throw new TaskDeleted(name);
  const changed: Task = { ...task, ...fields };
  if (sameFields(task, changed)) return task;
  requireOpen(project);
  requireMove(name, TASK_MOVES, { from: task.state, to: changed.state });
  return changed;
}

/** Whether two lists of ids are alike, their order included. */
export function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}

function sameFields(a: TaskFields, b: TaskFields): boolean {
  return (
    a.title === b.title &&
    a.state === b.state &&
    a.assigneeId === b.assigneeId &&
    a.effortMinutes === b.effortMinutes &&
    sameIds(a.dependencies, b.dependencies)
  );
}
