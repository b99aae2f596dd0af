import type { CalendarDate } from '@rondo/resources/domain';
import type { MemberTime } from './planning/days.js';
import type { Dependency, RemainingTask } from './planning/task-graph.js';

/** The effort of one or more tasks in one state. */
export interface TaskEffort {
  /** Such as `OPEN`. */
  readonly state: string;
  readonly effortMinutes: bigint;
  /** The number of tasks that have this effort together. */
  readonly taskCount: bigint;
}

/** The efforts to add up. Cancelled tasks don't count at all, and done tasks don't count as remaining. */
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

/** The data for an estimate of a project, all read at the same moment. */
export interface Workload {
  /** The effort of every task that isn't deleted or cancelled: by task, or by state if `toPlan` is undefined. */
  readonly efforts: readonly TaskEffort[];
  /** Undefined if too many tasks remain to be planned. */
  readonly toPlan: WorkToPlan | undefined;
}

/** The data for a plan of a project. */
export interface WorkToPlan {
  readonly startDate: CalendarDate | undefined;
  /** The tasks that are open or in progress, the oldest first. */
  readonly remaining: readonly RemainingTask[];
  readonly dependencies: readonly Dependency[];
  /** The oldest member first. */
  readonly team: readonly TeamMember[];
}

/** A member without reservations. */
export type TeamMember = Omit<MemberTime, 'reservedMinutes'>;
