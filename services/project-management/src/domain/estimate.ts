import type { CalendarDate } from '@rondo/resources/domain';
import type { MemberTime, WeekNumber } from './planning/days.js';
import type { Dependency, RemainingTask } from './planning/task-graph.js';
import type { TaskState } from './task.js';

/** The effort of one or more tasks in one state. */
export interface TaskEffort {
  readonly state: TaskState;
  readonly effortMinutes: bigint;
  /** The number of tasks that have this effort together. */
  readonly taskCount: bigint;
}

/** The effort of a project, added up. */
export interface Estimate {
  readonly totalEffortMinutes: bigint;
  readonly remainingEffortMinutes: bigint;
  /** The number of tasks in the total. */
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

/** Which reservations count for a plan. */
export interface ReservedQuery {
  /** Reservations for this project don't count. */
  readonly projectId: string;
  readonly memberIds: readonly string[];
  /** The first week. */
  readonly from: WeekNumber;
  /** The last week. */
  readonly to: WeekNumber;
}

/** Minutes of a member's week that are reserved for other projects. */
export interface ReservedTime {
  readonly memberId: string;
  readonly week: WeekNumber;
  readonly minutes: number;
}

/** Reads the data for estimates. */
export interface PlanStore {
  /** Undefined if there is no such project. */
  workload(projectId: string): Promise<Workload | undefined>;
  /** The weeks of a few thousand that have reservations; read while the plan is made. */
  reserved(query: ReservedQuery): Promise<readonly ReservedTime[]>;
}
