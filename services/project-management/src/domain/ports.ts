import type { Change, ProjectSnapshot } from './change.js';
import type { TaskEffort } from './effort.js';
import type { Member, NewMember } from './member.js';
import type { TaskId } from './names.js';
import type { Page, PageQuery } from './page.js';
import type { NewProject, Project } from './project.js';
import type { RequestKey } from './request-key.js';
import type { NewTask, Task } from './task.js';

/**
 * Where projects are kept. Every store rejects with `StoreUnavailable` when it can't be reached. Every create takes the
 * key that makes it safe to repeat, where there is one: it keeps it with the row, in one transaction, gives the same
 * request the first outcome again, and rejects with `RequestIdReused` where the id came with another request.
 */
export interface ProjectStore {
  /** Creates a project with its tasks, or nothing. Rejects with `UnknownMembers`. */
  create(project: NewProject, tasks: readonly NewTask[], key: RequestKey | undefined): Promise<Project>;
  find(id: string): Promise<Project | undefined>;
  /** The newest first. */
  list(query: PageQuery): Promise<Page<Project>>;
  /**
   * Stores what `decide` makes of the project, which nobody else changes meanwhile. `decide` is pure, as it may run
   * again; where it returns the same object, nothing is written. Undefined where there is no such project. Rejects with
   * what `decide` throws, or `UnknownMembers`.
   */
  update(id: string, decide: (project: Project) => Project): Promise<Project | undefined>;
  /** The project and its tasks as of one moment. */
  snapshot(id: string): Promise<ProjectSnapshot | undefined>;
  /** What its tasks count for, as of one moment; undefined where there is no such project. */
  efforts(id: string): Promise<readonly TaskEffort[] | undefined>;
}

/** Where tasks are kept. */
export interface TaskStore {
  /**
   * Creates a task, unless `admit` throws for its project, which nobody else changes meanwhile; it is undefined where
   * there is none. `admit` is pure, as it may run again. Rejects with what it throws, or `UnknownMembers`.
   */
  create(task: NewTask, admit: (project: Project | undefined) => void, key: RequestKey | undefined): Promise<Task>;
  find(id: TaskId): Promise<Task | undefined>;
  /** The oldest first; undefined where there is no such project. */
  list(projectId: string, query: PageQuery): Promise<Page<Task> | undefined>;
  /** As {@link ProjectStore.update}. */
  update(id: TaskId, decide: (task: Task, project: Project) => Task): Promise<Task | undefined>;
}

/** Where members are kept. */
export interface MemberStore {
  /** Rejects with `EmailTaken`. */
  create(member: NewMember, key: RequestKey | undefined): Promise<Member>;
  find(id: string): Promise<Member | undefined>;
  /** The newest first. */
  list(query: PageQuery): Promise<Page<Member>>;
}

/** Adds numbers up, exactly. */
export interface Calculator {
  sum(values: readonly bigint[]): Promise<bigint>;
}

/** Tells watchers what changes. */
export interface ChangeFeed {
  /** Never waits for a watcher. */
  publish(change: Change): void;
  /** Ends the streams of a project's watchers, as a change of it may have been missed. */
  interrupt(projectId: string, reason: Error): void;
  /** What is published of a project from now on, until `close`; it fails with the signal's reason when that aborts. */
  subscribe(projectId: string, signal: AbortSignal): Subscription;
}

/** The changes of one project, for one reader. */
export interface Subscription extends AsyncIterable<Change> {
  /** Ends the stream and lets go of everything. */
  close(): void;
}

/** Makes an id: short, unguessable, of lower-case letters and digits. */
export type NewId = () => string;

/** Everything that the use cases reach. */
export interface Ports {
  readonly projects: ProjectStore;
  readonly tasks: TaskStore;
  readonly members: MemberStore;
  readonly calculator: Calculator;
  readonly changes: ChangeFeed;
  readonly newId: NewId;
}
