import type { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
import type { NewId, Now } from '../domain/ports.js';
import type { DeliveryStore } from '../domain/team-ports.js';
import { deliverProject, type DeliverProject, type Delivery } from '../usecases/deliver-project.js';
import { answered, type MemberField } from './errors.js';
import { readDate } from '@rondo/resources';
import { validate } from '@rondo/rpc/status';
import { isId } from '../domain/names.js';
import { readProjectWithTasks, toProjectMessage } from './project-message.js';
import { toReservationMessage } from './reservation-message.js';

/** What a delivery reaches. */
interface DeliveriesPorts<Transaction> {
  /** What is stored within somebody's transaction. */
  storeIn(transaction: Transaction): DeliveryStore;
  readonly newId: NewId;
  readonly now: Now;
}

/** Does what `DeliverProjectRequest` asks for in a transaction of somebody's: a part of one across services. */
export function deliverIn<Transaction>({ storeIn, newId, now }: DeliveriesPorts<Transaction>) {
  return async (transaction: Transaction, request: DeliverProjectRequest): Promise<DeliverProjectResponse> => {
    const command = readDeliverProject(request);
    const assignees = command.tasks.map(
      ({ assigneeId }, index): MemberField => ({ path: `tasks[${index}].assignee`, memberId: assigneeId }),
    );
    const owner: MemberField = { path: 'project.owner', memberId: command.project.ownerId };
    const delivery = deliverProject({ store: storeIn(transaction), newId, now }, command);
    return toDeliveryMessage(await answered(delivery, [owner, ...assignees]));
  };
}

/** What a delivery asks for. @throws RpcError `INVALID_ARGUMENT` */
function readDeliverProject(request: DeliverProjectRequest): DeliverProject {
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
function toDeliveryMessage({ project, reservations }: Delivery): DeliverProjectResponse {
  return { project: toProjectMessage(project), reservations: reservations.map(toReservationMessage) };
}
