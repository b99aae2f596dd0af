import { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
import type { Transaction } from '@rondo/database';
import { systemRandom } from '@rondo/rpc/clock';
import { deliverOperation } from '../src/deliveries.js';

const { requestType, run } = deliverOperation({ newId: () => systemRandom.hex(10), now: () => new Date() });

/** Carries out a delivery in a transaction, as a participant does. */
export async function deliver(
  transaction: Transaction,
  request: DeliverProjectRequest,
): Promise<DeliverProjectResponse> {
  const value = Buffer.from(DeliverProjectRequest.encode(request).finish());
  const context = { transaction: { coordinator: 'sales', id: '1' }, signal: new AbortController().signal };
  const result = await run(transaction, { typeUrl: `type.googleapis.com/${requestType}`, value }, context);
  return DeliverProjectResponse.decode(result.value);
}
