import { ProjectState as ProjectStateMessage } from '@rondo/contracts/projects/v1/projects';
import { TaskState as TaskStateMessage } from '@rondo/contracts/projects/v1/tasks';
import type { ReportFault } from '@rondo/rpc/status';
import { FIRST_PROJECT_STATES, PROJECT_STATES, type ProjectState } from '../domain/project.js';
import { FIRST_TASK_STATES, TASK_STATES, type TaskState } from '../domain/task.js';

export const PROJECT_STATE_MESSAGES = {
  PLANNED: ProjectStateMessage.PROJECT_STATE_PLANNED,
  ACTIVE: ProjectStateMessage.PROJECT_STATE_ACTIVE,
  DONE: ProjectStateMessage.PROJECT_STATE_DONE,
  ARCHIVED: ProjectStateMessage.PROJECT_STATE_ARCHIVED,
} as const satisfies Record<ProjectState, ProjectStateMessage>;

export const TASK_STATE_MESSAGES = {
  OPEN: TaskStateMessage.TASK_STATE_OPEN,
  IN_PROGRESS: TaskStateMessage.TASK_STATE_IN_PROGRESS,
  DONE: TaskStateMessage.TASK_STATE_DONE,
  CANCELLED: TaskStateMessage.TASK_STATE_CANCELLED,
} as const satisfies Record<TaskState, TaskStateMessage>;

/** Reads the state of a new project; by default PLANNED. */
export function readFirstProjectState(report: ReportFault, state: ProjectStateMessage): ProjectState {
  if (state === ProjectStateMessage.PROJECT_STATE_UNSPECIFIED) return 'PLANNED';
  return readState(report, state, { messages: PROJECT_STATE_MESSAGES, allowed: FIRST_PROJECT_STATES }) ?? 'PLANNED';
}

/** Reads the new state of a project. */
export function readProjectState(report: ReportFault, state: ProjectStateMessage): ProjectState {
  return readState(report, state, { messages: PROJECT_STATE_MESSAGES, allowed: PROJECT_STATES }) ?? 'PLANNED';
}

/** Reads the state of a new task; by default OPEN. */
export function readFirstTaskState(report: ReportFault, state: TaskStateMessage): TaskState {
  if (state === TaskStateMessage.TASK_STATE_UNSPECIFIED) return 'OPEN';
  return readState(report, state, { messages: TASK_STATE_MESSAGES, allowed: FIRST_TASK_STATES }) ?? 'OPEN';
}

/** Reads the new state of a task. */
export function readTaskState(report: ReportFault, state: TaskStateMessage): TaskState {
  return readState(report, state, { messages: TASK_STATE_MESSAGES, allowed: TASK_STATES }) ?? 'OPEN';
}

interface Choice<State extends string> {
  readonly messages: Readonly<Record<State, number>>;
  readonly allowed: readonly State[];
}

function readState<State extends string>(
  report: ReportFault,
  message: number,
  { messages, allowed }: Choice<State>,
): State | undefined {
  const state = allowed.find((one) => messages[one] === message);
  if (state === undefined) report(`must be ${allowed.join(' or ')}`);
  return state;
}
