import type { CalendarDate } from './calendar-date.js';
import type { TaskEffort } from './effort.js';
import type { Dependency, RemainingTask } from './planning/task-graph.js';
import type { MemberTime } from './planning/team-time.js';

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
