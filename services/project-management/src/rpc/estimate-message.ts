import type { EstimateProjectResponse } from '@rondo/contracts/projects/v1/projects';
import { toDateMessage } from '@rondo/resources';
import { taskName } from '../domain/names.js';
import type { ProjectEstimate } from '../usecases/estimate-project.js';

/** An estimate as the contract has it. */
export function toEstimateMessage(projectId: string, estimate: ProjectEstimate): EstimateProjectResponse {
  const { criticalPath, finishDate, ...figures } = estimate;
  return {
    ...figures,
    criticalPath: criticalPath.map((taskId) => taskName({ projectId, taskId })),
    finishDate: toDateMessage(finishDate),
  };
}
