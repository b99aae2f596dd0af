import type { Project } from './project.js';
import type { Task } from './task.js';

/** A project with its tasks, as they were at one moment. */
export interface ProjectSnapshot {
  readonly project: Project;
  /** The oldest first. */
  readonly tasks: readonly Task[];
}

/** A project or a task as it is after a change. */
export type Change = ProjectChanged | TaskChanged;

/** A project as it is after it was changed. */
export interface ProjectChanged {
  readonly kind: 'project';
  readonly project: Project;
}

/** A task as it is after it was created or changed. */
export interface TaskChanged {
  readonly kind: 'task';
  readonly task: Task;
}

/** What a watcher sees: the snapshot first, then changes. */
export type ProjectEvent = ({ readonly kind: 'snapshot' } & ProjectSnapshot) | Change;

/** The project that a change belongs to. */
export function projectIdOf(change: Change): string {
  return change.kind === 'project' ? change.project.id : change.task.projectId;
}

/** What changed, and to which version. Ids of projects and tasks never meet. */
export function resourceOf(change: Change): { readonly id: string; readonly version: bigint } {
  return change.kind === 'project' ? change.project : change.task;
}
