import type { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
import type { NewId, Now } from '../domain/ports.js';
import type { DeliveryStore } from '../domain/team-ports.js';
import { deliverProject } from '../usecases/deliver-project.js';
import { readDeliverProject, toDeliveryMessage } from './delivery-message.js';
import { answered, type MemberField } from './errors.js';

/** What a delivery reaches. */
export interface DeliveriesPorts<Transaction> {
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
