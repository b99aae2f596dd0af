import type { TaskState } from './task.js';
import type { CalendarDate } from './calendar-date.js';
import type { Dependency, RemainingTask } from './planning/task-graph.js';
import type { MemberTime } from './planning/days.js';

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

/** What an estimate of a project is made of, as of one moment. */
export interface Workload {
  /** Of every task that isn't deleted or cancelled: by task, or by state where there is nothing to plan with. */
  readonly efforts: readonly TaskEffort[];
  /** Undefined where more tasks remain than are planned at a time. */
  readonly toPlan: WorkToPlan | undefined;
}

/** What a plan of a project is made of. */
export interface WorkToPlan {
  readonly startDate: CalendarDate | undefined;
  /** The tasks that are open or in progress, the oldest first. */
  readonly remaining: readonly RemainingTask[];
  readonly dependencies: readonly Dependency[];
  /** The oldest member first, and what is reserved of their weeks for other projects. */
  readonly team: readonly MemberTime[];
}

/** Reads what plans are made of. */
export interface PlanStore {
  /** Undefined where there is no such project; what is reserved is read of weeks from `monday` on. */
  workload(projectId: string, monday: CalendarDate): Promise<Workload | undefined>;
}
