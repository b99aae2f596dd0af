import {
  type ChangedSince,
  type Deletable,
  differs,
  type ListQuery,
  type Page,
  requireUnchanged,
} from '@rondo/resources/domain';
import { TaskDeleted } from './errors.js';
import { type TaskId, taskName } from './names.js';
import { requireTransition, type Transitions } from './preconditions.js';
import { type Project, requireOpen } from './project.js';

/** Every state of a task. */
export const TASK_STATES = ['OPEN', 'IN_PROGRESS', 'DONE', 'CANCELLED'] as const;

export type TaskState = (typeof TASK_STATES)[number];

/** The states that may follow each state. */
export const TASK_TRANSITIONS: Transitions<TaskState> = {
  OPEN: ['IN_PROGRESS', 'CANCELLED'],
  IN_PROGRESS: ['OPEN', 'DONE', 'CANCELLED'],
  DONE: ['IN_PROGRESS'],
  CANCELLED: [],
};

/** The states in which a task can be created. */
export const FIRST_TASK_STATES: readonly TaskState[] = ['OPEN', 'IN_PROGRESS'];

/** The fields of a task that a caller sets. */
export interface TaskFields {
  readonly title: string;
  readonly state: TaskState;
  /** The id of a member. */
  readonly assigneeId: string | undefined;
  readonly effortMinutes: bigint;
  /** The ids of the tasks that must be done before this one begins. They belong to the same project, and each is listed once. */
  readonly dependencies: readonly string[];
}

/** A task before it is stored. */
export interface NewTask extends TaskFields {
  readonly id: string;
  readonly projectId: string;
}

/** A unit of work of a project. The tasks of a deleted project are hidden without a `deleteTime` of their own. */
export interface Task extends NewTask, Deletable {}

/** A requested change. It sets the fields that are present, also to undefined, and keeps the others. */
export interface TaskChange {
  readonly projectId: string;
  readonly taskId: string;
  readonly fields: Partial<TaskFields>;
  readonly changedSince: ChangedSince<Task>;
}

/** Stores tasks. `ProjectStore` in ports.ts says what holds for every store. */
export interface TaskStore {
  /** Creates one task, like `createAll`. */
  create<R>(task: NewTask, admit: Admit, toReply: (task: Task) => R): Promise<R>;
  /** Creates tasks in their order, all or none. Rejects with `UnknownReferences`, `TaskIdsTaken`. */
  createAll<R>(tasks: NewTasks, admit: Admit, toReply: (tasks: readonly Task[]) => R): Promise<R>;
  /** Finds deleted tasks too. */
  find(id: TaskId): Promise<Task | undefined>;
  /** The oldest first; undefined if there is no such project. The tasks of a deleted project count as deleted. */
  list(projectId: string, query: ListQuery): Promise<Page<Task> | undefined>;
  /** Stores the result of `decide`, like `ProjectStore.update`. Also rejects with `DependencyCircle`. */
  update(change: TaskUpdate, decide: (task: Task, project: Project) => Task): Promise<Task | undefined>;
  /** Like `ProjectStore.delete`. Also rejects with `TaskNeeded`. */
  delete(id: TaskId, admit: (task: Task, project: Project) => void): Promise<Task | undefined>;
  /** Like `ProjectStore.undelete`, unless `admit` throws. Also rejects with `NeedsDeletedTasks`. */
  undelete(id: TaskId, admit: (project: Project) => void): Promise<Task | undefined>;
}

/** New tasks of one project. */
export interface NewTasks {
  readonly projectId: string;
  /** They may depend on each other, but not in a circle. */
  readonly tasks: readonly NewTask[];
}

/** Throws if tasks mustn't be added to the project, which is undefined if it doesn't exist. */
export type Admit = (project: Project | undefined) => void;

/** The task to change. */
export interface TaskUpdate extends TaskId {
  /** Whether its dependencies may change. Then all other changes of the project's tasks wait. */
  readonly rewires: boolean;
}

/**
 * A task of `project` after a change. If nothing would differ, it returns the same object.
 *
 * @throws StaleEtag, TaskDeleted, ProjectDeleted, ProjectArchived, IllegalTransition.
 */
export function changeTask(task: Task, project: Project, { fields, changedSince }: TaskChange): Task {
  const name = taskName({ projectId: task.projectId, taskId: task.id });
  requireUnchanged(name, task, changedSince);
  if (task.deleteTime !== undefined) throw new TaskDeleted(name);
  if (!differs(task, fields)) return task;
  const changed: Task = { ...task, ...fields };
  requireOpen(project);
  requireTransition(name, TASK_TRANSITIONS, { from: task.state, to: changed.state });
  return changed;
}
