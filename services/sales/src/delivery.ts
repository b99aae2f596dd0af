import type { Order } from '@rondo/contracts/sales/v1/orders';
import type { Database, Queries } from '@rondo/database';
import type { Audit } from '@rondo/resources';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { backgroundClock, type Clock, type Random } from '@rondo/rpc/clock';
import type { ServiceImplementation } from '@rondo/rpc/server';
import { createCoordinator, createOperatorService, createSagas } from '@rondo/transactions';
import { ACCEPT_QUOTE, createDeliver, type Deliver, recordDelivery } from './delivery-transaction.js';
import { orders } from './orders.js';
import { createArchive } from './projects.js';

/** The work of this service that spans project management: distributed transactions and sagas. */
export interface Delivery {
  readonly deliver: Deliver;
  /**
   * Records in a transaction that the project of a cancelled order is to be archived, which releases the time that is reserved for it.
   * That is done after the commit, retried until it succeeds, and goes on after a restart.
   */
  withdraw(tx: Queries, order: Order): Promise<void>;
  /** The service that shows unfinished transactions and sagas to operators. */
  readonly service: ServiceImplementation;
  /** Starts the sagas that a commit has recorded. */
  nudge(): void;
  /** Resumes unfinished work. Called after the migrations. */
  start(): void;
  close(): Promise<void>;
}

/** The dependencies of {@link createDelivery}. */
interface DeliveryOptions {
  readonly database: Database;
  readonly channel: Channel;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly audit: Pick<Audit, 'record'>;
  readonly mayServe: Parameters<typeof createOperatorService>[0]['mayServe'];
  readonly meter?: Parameters<typeof createCoordinator>[0]['meter'];
  /** Called after each commit that has changes for watchers. */
  readonly onAppended: () => void;
}

/** With at most a minute between attempts they last a week. After a longer outage an operator has to retry the saga. */
const MAX_ATTEMPTS = 10_000;

/** Creates the coordinator of this service and its saga. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const { database, channel, log, random, audit, mayServe, meter, onAppended } = options;
  const clock = backgroundClock(options.clock);
  const sagas = createSagas({ database, log, clock, random, audit, maxAttempts: MAX_ATTEMPTS });
  const archive = createArchive(channel);
  const withdrawal = sagas.define<{ readonly project: string }>({
    kind: 'cancel-order',
    steps: [{ name: 'archive-project', run: ({ input }) => archive(input.project) }],
  });
  const coordinator = createCoordinator({
    ...{ database, name: 'sales', channel, log, clock, random, meter, audit },
    completions: { [ACCEPT_QUOTE]: recordDelivery },
    onCompleted: onAppended,
  });
  return {
    deliver: createDeliver({ coordinator, audit, onCommitted: onAppended, clock: options.clock, random }),
    async withdraw(tx, { name, project }) {
      const [id = ''] = orders.idsIn(name);
      await withdrawal.start(tx, { id: `cancel-order-${id}`, subject: name, input: { project } });
    },
    service: createOperatorService({ coordinator, sagas, mayServe }),
    nudge: () => sagas.nudge(),
    start() {
      coordinator.start();
      sagas.start();
    },
    close: async () => void (await Promise.all([coordinator.close(), sagas.close()])),
  };
}
