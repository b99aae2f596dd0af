import type { Project } from './project.js';
import type { Task } from './task.js';

/** Streams projects and their changes to watchers, whichever replica changes them. */
export interface ProjectFeed {
  /**
   * Watches a project and its tasks. The watch starts with a snapshot and then streams every change once, in order.
   * With a resume token it streams the changes after that token.
   *
   * @throws NotFound, ForeignResumeToken, `WatchAborted` or `WatchUnavailable` of @rondo/sync, or the signal's reason.
   */
  watch(watch: ProjectWatch): AsyncGenerator<ProjectEvent, void, undefined>;
}

/** Which project is watched, and from which position. */
export interface ProjectWatch {
  readonly projectId: string;
  /** The token of the last event of an earlier watch; empty to begin with a snapshot. */
  readonly resumeToken: string;
  /** On whose behalf the project is watched; undefined for a process. */
  readonly watcher: ProjectWatcher | undefined;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** A person or a program that watches a project. */
export interface ProjectWatcher {
  /** A resume token is valid for the same identity only. */
  readonly identity: string;
  /** Called before each change is sent. @throws NotFound, or OutOfSight, if the watcher no longer sees the project. */
  requireInSight(): Promise<void>;
}

/** An event of a watch: the snapshot in one or more parts, then changes. */
export type ProjectEvent = SnapshotEvent | (Change & Resumable);

interface SnapshotEvent extends ProjectSnapshotPart, Resumable {
  readonly kind: 'snapshot';
  /** Whether another part of the snapshot follows. */
  readonly more: boolean;
}

/** A project with some of its tasks. All parts of a snapshot are read at the same moment. */
export interface ProjectSnapshotPart {
  readonly project: Project;
  /** The oldest first, without deleted tasks. */
  readonly tasks: readonly Task[];
}

/** A project or a task after a change. Deletion and undeletion are changes; the creation of a task is one too. */
export type Change =
  | { readonly kind: 'project'; readonly project: Project }
  | { readonly kind: 'task'; readonly task: Task };

interface Resumable {
  /** A watch can be resumed after this event with this token. Empty in a part of a snapshot that isn't the last. */
  readonly resumeToken: string;
}
