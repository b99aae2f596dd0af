import type { ProjectEvent } from './project-feed.js';
import type { TaskId } from './names.js';
import type { ListQuery, Page } from './page.js';
import type { PlanStore } from './estimate.js';
import type { NewProject, Project } from './project.js';
import type { RequestKey } from './request-key.js';
import type { NewTask, Task } from './task.js';
import type { MemberStore, ReservationStore } from './team-ports.js';

/**
 * Where projects are kept. Every store rejects with `StoreUnavailable` when it can't be reached. Every create takes the
 * key that makes it safe to repeat, where there is one: it keeps it with the row, in one transaction, gives the same
 * request the first outcome again, and rejects with `RequestIdReused` where the id came with another request.
 *
 * What decides or admits is pure, as it may run again, and what it throws is what the call rejects with. Nobody else
 * changes meanwhile what it is given.
 */
export interface ProjectStore {
  /** Creates a project with its tasks, or nothing. Rejects with `UnknownReferences`. */
  create(project: NewProject, tasks: readonly NewTask[], key: RequestKey | undefined): Promise<Project>;
  /** Also where it is deleted. */
  find(id: string): Promise<Project | undefined>;
  /** The newest first. */
  list(query: ListQuery): Promise<Page<Project>>;
  /**
   * Stores what `decide` makes of the project; where it returns the same object, nothing is written. Undefined where
   * there is no such project. Rejects with `UnknownReferences`.
   */
  update(id: string, decide: (project: Project) => Project): Promise<Project | undefined>;
  /** Deletes one that `admit` doesn't throw for; what is deleted already stays as it is. Undefined where there is none. */
  delete(id: string, admit: (project: Project) => void): Promise<Project | undefined>;
  /** Brings one back; what isn't deleted stays as it is. Undefined where there is none. */
  undelete(id: string): Promise<Project | undefined>;
}

/** Tasks to be added to a project. */
export interface NewTasks {
  readonly projectId: string;
  /** They may depend on each other, but not in a circle. */
  readonly tasks: readonly NewTask[];
}

/** Throws unless tasks may be added to a project; it is undefined where there is none. */
export type Admit = (project: Project | undefined) => void;

/** Where tasks are kept. */
export interface TaskStore {
  /** Creates one task, as `createAll` does. */
  create(task: NewTask, admit: Admit, key: RequestKey | undefined): Promise<Task>;
  /** Creates tasks in their order, all or none. Rejects with `UnknownReferences`, `TaskIdsTaken`. */
  createAll(tasks: NewTasks, admit: Admit, key: RequestKey | undefined): Promise<readonly Task[]>;
  /** Also where it is deleted. */
  find(id: TaskId): Promise<Task | undefined>;
  /** The oldest first; undefined where there is no such project. Those of a deleted project are listed as deleted ones. */
  list(projectId: string, query: ListQuery): Promise<Page<Task> | undefined>;
  /** As {@link ProjectStore.update}. Rejects also with `DependencyCircle`. */
  update(change: TaskUpdate, decide: (task: Task, project: Project) => Task): Promise<Task | undefined>;
  /** As {@link ProjectStore.delete}. Rejects also with `TaskNeeded`. */
  delete(id: TaskId, admit: (task: Task, project: Project) => void): Promise<Task | undefined>;
  /** As {@link ProjectStore.undelete}, where `admit` doesn't throw. Rejects also with `NeedsDeletedTasks`. */
  undelete(id: TaskId, admit: (project: Project) => void): Promise<Task | undefined>;
}

/** Which task is to change. */
export interface TaskUpdate extends TaskId {
  /** Whether what it depends on may change, for which all of its project's tasks have to wait. */
  readonly rewires: boolean;
}

/** Adds numbers up, exactly. */
export interface Calculator {
  sum(values: readonly bigint[]): Promise<bigint>;
}

/** Tells watchers what projects are and become, wherever they are changed. */
export interface ProjectWatches {
  /**
   * A project with its tasks, then each change of them, once and in order; with a token, each change after that.
   *
   * @throws NotFound, ForeignResumeToken, WatcherTooSlow, WatchInterrupted, or the signal's reason.
   */
  follow(watch: ProjectWatch): AsyncGenerator<ProjectEvent, void, undefined>;
}

/** Which project is watched, and from where. */
export interface ProjectWatch {
  readonly projectId: string;
  /** Of the last event of an earlier watch; empty to begin with the project as it is. */
  readonly resumeToken: string;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** Makes an id: short, unguessable, of lower-case letters and digits. */
export type NewId = () => string;

/** What time it is. */
export type Now = () => Date;

/** Everything that the use cases reach. */
export interface Ports {
  readonly projects: ProjectStore;
  readonly tasks: TaskStore;
  readonly members: MemberStore;
  readonly reservations: ReservationStore;
  readonly plans: PlanStore;
  readonly calculator: Calculator;
  readonly watches: ProjectWatches;
  readonly newId: NewId;
  readonly now: Now;
}
