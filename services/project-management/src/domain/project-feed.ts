import type { Project } from './project.js';
import type { Task } from './task.js';

/** A project with tasks of it, as they were at one moment. */
export interface ProjectSnapshotPart {
  readonly project: Project;
  /** The oldest first, without those that are deleted. */
  readonly tasks: readonly Task[];
}

/** A project or a task as it is after a change. */
export type Change = ProjectChanged | TaskChanged;

/** A project as it is after it was changed, deleted or brought back. */
interface ProjectChanged {
  readonly kind: 'project';
  readonly project: Project;
}

/** A task as it is after it was created, changed, deleted or brought back. */
interface TaskChanged {
  readonly kind: 'task';
  readonly task: Task;
}

/** What a watcher sees: the snapshot first, then changes. */
export type ProjectEvent = ProjectSnapshotTold | (Change & Resumable);

/** All tasks of a project, or some, of which further parts tell the rest. */
interface ProjectSnapshotTold extends ProjectSnapshotPart, Resumable {
  readonly kind: 'snapshot';
  readonly more: boolean;
}

/** Where a watch can be gone on from. */
interface Resumable {
  /** Good after this event; empty where it isn't: in a part of a snapshot that isn't the last. */
  readonly resumeToken: string;
}
