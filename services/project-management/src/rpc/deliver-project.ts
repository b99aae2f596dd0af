import type { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
import { readDate } from '@rondo/resources';
import type { FieldAt } from '@rondo/rpc/status';
import { orderNames, quoteNames } from '../domain/names.js';
import type { DeliveryStore, NewId, Now } from '../domain/ports.js';
import { type DeliverProject, type Delivery, deliverProject } from '../usecases/deliver-project.js';
import { type MemberField, withRpcErrors } from './errors.js';
import { readCreateProject, toProjectMessage } from './project-message.js';
import { toReservationMessage } from './reservation-message.js';

/** The dependencies of {@link deliverProjectIn}. */
interface DeliverPorts<Transaction> {
  /** The store within a transaction. */
  storeIn(transaction: Transaction): DeliveryStore;
  readonly newId: NewId;
  readonly now: Now;
}

/** Carries out a delivery in a local transaction that is a branch of a distributed transaction. */
export function deliverProjectIn<Transaction>({ storeIn, newId, now }: DeliverPorts<Transaction>) {
  return async (transaction: Transaction, command: DeliverProject): Promise<DeliverProjectResponse> => {
    const assignees = command.tasks.map(
      ({ assigneeId }, index): MemberField => ({ path: `tasks[${index}].assignee`, memberId: assigneeId }),
    );
    const owner: MemberField = { path: 'project.owner', memberId: command.project.ownerId };
    const delivery = deliverProject({ store: storeIn(transaction), newId, now }, command);
    return toDeliveryMessage(await withRpcErrors(delivery, [owner, ...assignees]));
  };
}

/** Reads the request of a delivery. */
export function readDeliverProject(request: DeliverProjectRequest, field: FieldAt): DeliverProject {
  const { projectId, startDate, quote, order } = request;
  return {
    projectId,
    ...readCreateProject(request, field),
    // The contract has checked the names. A caller of the previous version sends no names.
    links: { quoteId: quoteNames.parse(quote), orderId: orderNames.parse(order) },
    startDate: readDate(field('start_date'), startDate),
  };
}

function toDeliveryMessage({ project, reservations }: Delivery): DeliverProjectResponse {
  return { project: toProjectMessage(project), reservations: reservations.map(toReservationMessage) };
}
