import type { TaskState } from './task.js';

/** What tasks of one state count for in an estimate. */
export interface TaskEffort {
  readonly state: TaskState;
  readonly effortMinutes: bigint;
  /** How many tasks have that effort together. */
  readonly taskCount: bigint;
}

/** The effort of a project. */
export interface Estimate {
  readonly totalEffortMinutes: bigint;
  readonly remainingEffortMinutes: bigint;
  /** How many tasks the total counts. */
  readonly taskCount: bigint;
}

/** What is to be added up: work that was cancelled is nobody's, and work that is done doesn't remain. */
export function effortsToAdd(efforts: readonly TaskEffort[]): {
  readonly total: readonly bigint[];
  readonly remaining: readonly bigint[];
  readonly taskCount: bigint;
} {
  const counted = efforts.filter(({ state }) => state !== 'CANCELLED');
  const remaining = counted.filter(({ state }) => state !== 'DONE');
  const taskCount = counted.reduce((count, effort) => count + effort.taskCount, 0n);
  return { total: counted.map(minutesOf), remaining: remaining.map(minutesOf), taskCount };
}

function minutesOf({ effortMinutes }: TaskEffort): bigint {
  return effortMinutes;
}
