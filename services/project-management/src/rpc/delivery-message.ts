import type { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
import { readDate } from '@rondo/resources';
import { validate } from '@rondo/rpc/status';
import { isId } from '../domain/names.js';
import type { DeliverProject, Delivery } from '../usecases/deliver-project.js';
import { readProjectWithTasks, toProjectMessage } from './project-message.js';
import { toReservationMessage } from './reservation-message.js';

/** What a delivery asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readDeliverProject(request: DeliverProjectRequest): DeliverProject {
  return validate((field) => {
    const { projectId, startDate } = request;
    if (!isId(projectId)) field('project_id')(`must be 1 to 63 of a-z 0-9 -, no - first; it is "${projectId}"`);
    return {
      projectId,
      ...readProjectWithTasks(field, request),
      startDate: readDate(field('start_date'), startDate),
    };
  });
}

/** What came of it, as the contract has it. */
export function toDeliveryMessage({ project, reservations }: Delivery): DeliverProjectResponse {
  return { project: toProjectMessage(project), reservations: reservations.map(toReservationMessage) };
}
