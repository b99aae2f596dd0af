import { type CalendarDate, dateAt } from '@rondo/resources/domain';
import { type Estimate, effortsToAdd, type WorkToPlan } from '../domain/estimate.js';
import { dateOf, dayNumberOf, LAST_DAY, type WeekNumber, weekOf } from '../domain/planning/days.js';
import { finishDayOf, type Staffing } from '../domain/planning/finish-day.js';
import { createTaskGraph, criticalPathOf } from '../domain/planning/task-graph.js';
import type { Ports } from '../domain/ports.js';
import { foundProject } from './found.js';

/** The effort of a project, its critical path and its finish date. */
export interface ProjectEstimate extends Estimate, ProjectPlan {}

interface ProjectPlan {
  /** Ids of tasks, in the order in which they are done. */
  readonly criticalPath: readonly string[];
  readonly criticalPathMinutes: bigint;
  readonly finishDate: CalendarDate | undefined;
}

const NO_PLAN: ProjectPlan = { criticalPath: [], criticalPathMinutes: 0n, finishDate: undefined };

/**
 * Estimates a project. The calculator adds up the effort of its tasks. The plan is its critical path and the day on
 * which the team can finish it if work continues today, or on the project's start date if that is later. If too many
 * tasks remain to be planned, the path is empty and there is no finish date.
 *
 * @throws NotFound, and what the calculator throws.
 */
export async function estimateProject(
  { plans, calculator, now }: Pick<Ports, 'plans' | 'calculator' | 'now'>,
  id: string,
): Promise<ProjectEstimate> {
  const time = now();
  const workload = foundProject(await plans.workload(id), id);
  const { total, remaining, taskCount } = effortsToAdd(workload.efforts);
  const [totalEffortMinutes, remainingEffortMinutes] = await Promise.all([
    calculator.sum(total),
    calculator.sum(remaining),
  ]);
  const work = workload.toPlan;
  const plan = work === undefined ? NO_PLAN : await planOf({ plans, projectId: id, today: dateAt(time) }, work);
  return { totalEffortMinutes, remainingEffortMinutes, taskCount, ...plan };
}

interface Planning {
  readonly plans: Pick<Ports['plans'], 'reserved'>;
  readonly projectId: string;
  readonly today: CalendarDate;
}

async function planOf(planning: Planning, work: WorkToPlan): Promise<ProjectPlan> {
  const { remaining, dependencies, startDate } = work;
  const { today } = planning;
  const graph = createTaskGraph(remaining, dependencies);
  const { taskIds, minutes } = criticalPathOf(graph);
  const firstDay = dayNumberOf(startDate === undefined || startDate < today ? today : startDate);
  const finishDay = await finishDayOf(graph, { firstDay, ...staffFor(planning, work) });
  return {
    criticalPath: taskIds,
    criticalPathMinutes: BigInt(minutes),
    finishDate: finishDay === undefined ? undefined : dateOf(finishDay),
  };
}

/** How many weeks of members are read at once. It takes a few milliseconds. */
const WEEKS_AT_ONCE = 5_000;

/** The members who may do one of the tasks. Their reserved time is read as far as the plan reaches. */
function staffFor(
  { plans, projectId }: Planning,
  { team, remaining }: WorkToPlan,
): Pick<Staffing, 'team' | 'readWeek'> {
  const assignees = new Set(remaining.map(({ assigneeId }) => assigneeId));
  const staff = team
    .filter(({ memberId, weeklyCapacityMinutes }) => {
      return weeklyCapacityMinutes > 0 && (assignees.has(undefined) || assignees.has(memberId));
    })
    .map((member) => ({ ...member, reservedMinutes: new Map<WeekNumber, number>() }));
  const byId = new Map(staff.map((member) => [member.memberId, member]));
  const memberIds = [...byId.keys()];
  const weeks = Math.ceil(WEEKS_AT_ONCE / Math.max(1, staff.length));
  let readUntil = 0;
  return {
    team: staff,
    async readWeek(week) {
      if (week < readUntil || staff.length === 0) return;
      const to = Math.min(week + weeks - 1, weekOf(LAST_DAY));
      for (const reserved of await plans.reserved({ projectId, memberIds, from: week, to })) {
        byId.get(reserved.memberId)?.reservedMinutes.set(reserved.week, reserved.minutes);
      }
      readUntil = to + 1;
    },
  };
}
