import { type Estimate, effortsToAdd } from '../domain/effort.js';
import type { Ports } from '../domain/ports.js';
import { foundProject } from './found.js';

/** The effort of a project's tasks, added up by the calculator. @throws NotFound, and what the calculator throws. */
export async function estimateProject(
  { projects, calculator }: Pick<Ports, 'projects' | 'calculator'>,
  id: string,
): Promise<Estimate> {
  const { total, remaining } = effortsToAdd(foundProject(await projects.efforts(id), id));
  const [totalEffortMinutes, remainingEffortMinutes] = await Promise.all([
    calculator.sum(total),
    calculator.sum(remaining),
  ]);
  return { totalEffortMinutes, remainingEffortMinutes, taskCount: BigInt(total.length) };
}
