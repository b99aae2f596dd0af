import type { Channel } from '@rondo/rpc/client';
import type { Part } from '@rondo/rpc/server';
import { createTransactions } from '@rondo/transactions';
import {
  ACCEPT_QUOTE,
  createDeliver,
  type Deliver,
  type DeliveryDatabase,
  recordDelivery,
} from './delivery-transaction.js';
import { createArchive } from './projects.js';

/** The distributed transactions of this service, with project management. */
export interface Delivery extends Part {
  readonly deliver: Deliver;
}

/** With at most a minute between attempts they last a week. After a longer outage an operator has to retry the saga. */
const MAX_ATTEMPTS = 10_000;

/** Creates the distributed transaction of this service. It also finishes the sagas of 0.2, which are the job `ArchiveProject` now. */
export function createDelivery(database: DeliveryDatabase, channel: Channel): Delivery {
  const completions = { [ACCEPT_QUOTE]: recordDelivery };
  const transactions = createTransactions({ database, name: 'sales', completions, maxAttempts: MAX_ATTEMPTS });
  const archive = createArchive(channel);
  transactions.define<{ readonly project: string }>({
    kind: 'cancel-order',
    steps: [{ name: 'archive-project', run: ({ input }) => archive(input.project) }],
  });
  return { ...transactions, deliver: createDeliver(transactions, database) };
}
