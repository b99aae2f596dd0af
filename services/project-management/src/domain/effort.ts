import type { TaskState } from './task.js';

/** What a task counts for in an estimate. */
export interface TaskEffort {
  readonly state: TaskState;
  readonly effortMinutes: bigint;
}

/** The effort of a project. */
export interface Estimate {
  readonly totalEffortMinutes: bigint;
  readonly remainingEffortMinutes: bigint;
  /** How many tasks the total counts. */
  readonly taskCount: bigint;
}

/** What is to be added up: work that was cancelled is nobody's, and work that is done doesn't remain. */
export function effortsToAdd(tasks: readonly TaskEffort[]): {
  readonly total: readonly bigint[];
  readonly remaining: readonly bigint[];
} {
  const counted = tasks.filter(({ state }) => state !== 'CANCELLED');
  const remaining = counted.filter(({ state }) => state !== 'DONE');
  return { total: counted.map(minutesOf), remaining: remaining.map(minutesOf) };
}

function minutesOf({ effortMinutes }: TaskEffort): bigint {
  return effortMinutes;
}
