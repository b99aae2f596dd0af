import type { Order } from '@rondo/contracts/sales/v1/orders';
import type { Queries } from '@rondo/database';
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
import { orders } from './orders.js';
import { createArchive } from './projects.js';

/** The work of this service that spans project management: distributed transactions and sagas. */
export interface Delivery extends Part {
  readonly deliver: Deliver;
  /**
   * Records in a transaction that the project of a cancelled order is to be archived, which releases the time that is reserved for it.
   * That is done after the commit, retried until it succeeds, and goes on after a restart.
   */
  withdraw(tx: Queries, order: Order): Promise<void>;
  /** Starts the sagas that a commit has recorded. */
  nudge(): void;
}

/** With at most a minute between attempts they last a week. After a longer outage an operator has to retry the saga. */
const MAX_ATTEMPTS = 10_000;

/** Creates the distributed transaction of this service and its saga. */
export function createDelivery(database: DeliveryDatabase, channel: Channel): Delivery {
  const completions = { [ACCEPT_QUOTE]: recordDelivery };
  const transactions = createTransactions({ database, name: 'sales', completions, maxAttempts: MAX_ATTEMPTS });
  const archive = createArchive(channel);
  const withdrawal = transactions.define<{ readonly project: string }>({
    kind: 'cancel-order',
    steps: [{ name: 'archive-project', run: ({ input }) => archive(input.project) }],
  });
  return {
    ...transactions,
    deliver: createDeliver(transactions, database),
    async withdraw(tx, { name, project }) {
      const [id = ''] = orders.idsIn(name);
      await withdrawal.start(tx, { id: `cancel-order-${id}`, subject: name, input: { project } });
    },
  };
}
