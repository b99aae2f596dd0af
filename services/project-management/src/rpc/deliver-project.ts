import type { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
import { readDate } from '@rondo/resources';
import { isId } from '@rondo/resources/domain';
import { validate } from '@rondo/rpc/status';
import type { DeliveryStore, NewId, Now } from '../domain/ports.js';
import { type DeliverProject, type Delivery, deliverProject } from '../usecases/deliver-project.js';
import { type MemberField, withRpcErrors } from './errors.js';
import { readProjectWithTasks, toProjectMessage } from './project-message.js';
import { toReservationMessage } from './reservation-message.js';

/** The dependencies of {@link deliverProjectIn}. */
interface DeliverPorts<Transaction> {
  /** The store within a transaction. */
  storeIn(transaction: Transaction): DeliveryStore;
  readonly newId: NewId;
  readonly now: Now;
}

/** Carries out a `DeliverProjectRequest` in a local transaction that is a branch of a distributed transaction. */
export function deliverProjectIn<Transaction>({ storeIn, newId, now }: DeliverPorts<Transaction>) {
  return async (transaction: Transaction, request: DeliverProjectRequest): Promise<DeliverProjectResponse> => {
    const command = readDeliverProject(request);
    const assignees = command.tasks.map(
      ({ assigneeId }, index): MemberField => ({ path: `tasks[${index}].assignee`, memberId: assigneeId }),
    );
    const owner: MemberField = { path: 'project.owner', memberId: command.project.ownerId };
    const delivery = deliverProject({ store: storeIn(transaction), newId, now }, command);
    return toDeliveryMessage(await withRpcErrors(delivery, [owner, ...assignees]));
  };
}

/** @throws RpcError `INVALID_ARGUMENT` with all faults of the request. */
function readDeliverProject(request: DeliverProjectRequest): DeliverProject {
  return validate((field) => {
    const { projectId, startDate } = request;
    if (!isId(projectId))
      field('project_id')(`must be 1 to 63 of a-z 0-9 -, not beginning with -; it is "${projectId}"`);
    return {
      projectId,
      ...readProjectWithTasks(field, request),
      startDate: readDate(field('start_date'), startDate),
    };
  });
}

function toDeliveryMessage({ project, reservations }: Delivery): DeliverProjectResponse {
  return { project: toProjectMessage(project), reservations: reservations.map(toReservationMessage) };
}
