import { type CalendarDate, dateAt } from '@rondo/resources/domain';
import { type Estimate, effortsToAdd, type WorkToPlan } from '../domain/estimate.js';
import { dateOf, dayNumberOf, mondayAt } from '../domain/planning/days.js';
import { finishDayOf } from '../domain/planning/finish-day.js';
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
  const workload = foundProject(await plans.workload(id, mondayAt(time)), id);
  const { total, remaining, taskCount } = effortsToAdd(workload.efforts);
  const [totalEffortMinutes, remainingEffortMinutes] = await Promise.all([
    calculator.sum(total),
    calculator.sum(remaining),
  ]);
  const plan = workload.toPlan === undefined ? NO_PLAN : planOf(workload.toPlan, dateAt(time));
  return { totalEffortMinutes, remainingEffortMinutes, taskCount, ...plan };
}

function planOf({ remaining, dependencies, team, startDate = '' }: WorkToPlan, today: CalendarDate): ProjectPlan {
  const graph = createTaskGraph(remaining, dependencies);
  const { taskIds, minutes } = criticalPathOf(graph);
  const firstDay = dayNumberOf(startDate > today ? startDate : today);
  const finishDay = finishDayOf(graph, { team, firstDay });
  return {
    criticalPath: taskIds,
    criticalPathMinutes: BigInt(minutes),
    finishDate: finishDay === undefined ? undefined : dateOf(finishDay),
  };
}
