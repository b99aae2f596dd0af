import type { EstimateProjectResponse } from '@rondo/contracts/projects/v1/projects';
import { taskName } from '../domain/names.js';
import type { ProjectEstimate } from '../usecases/estimate-project.js';
import { toDateMessage } from './dates.js';

/** An estimate as the contract has it. */
export function toEstimateMessage(projectId: string, estimate: ProjectEstimate): EstimateProjectResponse {
  const { criticalPath, finishDate, ...figures } = estimate;
  return {
    ...figures,
    criticalPath: criticalPath.map((taskId) => taskName({ projectId, taskId })),
    finishDate: toDateMessage(finishDate),
  };
}
