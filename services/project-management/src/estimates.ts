import type { EstimateProjectRequest, EstimateProjectResponse } from '@rondo/contracts/projects/v1/projects';
import { toDateMessage } from '@rondo/resources';
import { type CalendarDate, dateAt } from '@rondo/resources/domain';
import type { StoreDatabase } from '@rondo/resources/sql';
import type { Calculator } from './calculator.js';
import { effortsToAdd, type WorkToPlan } from './domain/estimate.js';
import { dateOf, dayNumberOf, LAST_DAY, type WeekNumber, weekOf } from './domain/planning/days.js';
import { finishDayOf, type Staffing } from './domain/planning/finish-day.js';
import { createTaskGraph, criticalPathOf } from './domain/planning/task-graph.js';
import { projects } from './projects.js';
import { readReserved, readWorkload } from './workload.js';

/** What an estimate works with. */
export interface EstimateContext {
  readonly database: StoreDatabase;
  readonly calculator: Calculator;
  readonly now: () => Date;
  /** If more tasks remain, there is no plan. */
  readonly maxPlanned?: number;
}

type Plan = Pick<EstimateProjectResponse, 'criticalPath' | 'criticalPathMinutes' | 'finishDate'>;

const NO_PLAN: Plan = { criticalPath: [], criticalPathMinutes: 0n, finishDate: undefined };

/**
 * Estimates a project. The calculator adds up the effort of its tasks. The plan is its critical path and the day on
 * which the team can finish it if work continues today, or on the project's start date if that is later. If too many
 * tasks remain to be planned, the path is empty and there is no finish date.
 *
 * @throws NotFound, and what the calculator throws.
 */
export async function estimateProject(
  { database, calculator, now, maxPlanned }: EstimateContext,
  { name }: EstimateProjectRequest,
): Promise<EstimateProjectResponse> {
  const today = dateAt(now());
  const [projectId = ''] = projects.idsIn(name);
  const workload = await readWorkload(database, projectId, maxPlanned);
  if (workload === undefined) throw projects.missing(name);
  const { total, remaining, taskCount } = effortsToAdd(workload.efforts);
  const [totalEffortMinutes, remainingEffortMinutes] = await Promise.all([
    calculator.sum(total),
    calculator.sum(remaining),
  ]);
  const work = workload.toPlan;
  const plan = work === undefined ? NO_PLAN : await planOf({ database, projectId, today }, work);
  return { totalEffortMinutes, remainingEffortMinutes, taskCount, ...plan };
}

interface Planning {
  readonly database: StoreDatabase;
  readonly projectId: string;
  readonly today: CalendarDate;
}

async function planOf(planning: Planning, work: WorkToPlan): Promise<Plan> {
  const { remaining, dependencies, startDate } = work;
  const { projectId, today } = planning;
  const graph = createTaskGraph(remaining, dependencies);
  const { taskIds, minutes } = criticalPathOf(graph);
  const firstDay = dayNumberOf(startDate === undefined || startDate < today ? today : startDate);
  const finishDay = await finishDayOf(graph, { firstDay, ...staffFor(planning, work) });
  return {
    criticalPath: taskIds.map((id) => `projects/${projectId}/tasks/${id}`),
    criticalPathMinutes: BigInt(minutes),
    finishDate: finishDay === undefined ? undefined : toDateMessage(dateOf(finishDay)),
  };
}

/** How many weeks of members are read at once. It takes a few milliseconds. */
const WEEKS_AT_ONCE = 5_000;

/** The members who may do one of the tasks. Their reserved time is read as far as the plan reaches. */
function staffFor(
  { database, projectId }: Planning,
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
      for (const reserved of await readReserved(database.reads, { projectId, memberIds, from: week, to })) {
        byId.get(reserved.memberId)?.reservedMinutes.set(reserved.week, reserved.minutes);
      }
      readUntil = to + 1;
    },
  };
}
