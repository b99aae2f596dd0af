import type { Audit } from '@rondo/access';
import type { Database, Queries } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { backgroundClock, type Clock, type Random } from '@rondo/rpc/clock';
import type { ServiceImplementation } from '@rondo/rpc/server';
import { createCoordinator, createOperatorService, createSagas, type SagaKind, type Sagas } from '@rondo/transactions';
import { customers } from '../customers.js';
import { nameOf } from '../domain/names.js';
import type { DistributedTransact, Outbox, Projects, Stores } from '../domain/ports.js';
import { ACCEPT_QUOTE, createDistributedTransact, recordDelivery } from './delivery-transaction.js';
import { createOrderStore } from './order-store.js';
import { createProductStore } from './product-store.js';
import { createQuoteStore } from './quote-store.js';

/** The work of this service that spans project management: distributed transactions and sagas. */
interface DistributedTransactions {
  readonly distributedTransact: DistributedTransact;
  /** The service that shows unfinished transactions and sagas to operators. */
  readonly service: ServiceImplementation;
  /** The stores over a pool or a transaction. `onAppended` is called for each change that is appended for watchers. */
  storesOver(queries: Queries, onAppended: () => void): Stores;
  /** Starts the sagas that a commit has recorded. */
  nudge(): void;
  /** Resumes unfinished work. Called after the migrations. */
  start(): void;
  close(): Promise<void>;
}

/** The dependencies of {@link createDistributedTransactions}. */
interface DistributedTransactionsOptions {
  readonly database: Database;
  readonly channel: Channel;
  readonly projects: Projects;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly audit: Pick<Audit, 'record'>;
  readonly mayServe: Parameters<typeof createOperatorService>[0]['mayServe'];
  /** Called after each commit that has changes for watchers. */
  readonly onAppended: () => void;
}

/** With at most a minute between attempts they last a week. After a longer outage an operator has to retry the saga. */
const MAX_ATTEMPTS = 10_000;

/** Wires the coordinator of this service, its sagas and its stores. */
export function createDistributedTransactions(options: DistributedTransactionsOptions): DistributedTransactions {
  const { database, channel, projects, log, random, onAppended } = options;
  const clock = backgroundClock(options.clock);
  const sagas = createSagas({ database, log, clock, random, maxAttempts: MAX_ATTEMPTS });
  const withdrawal = defineWithdrawal(sagas, projects);
  const storesOver = (queries: Queries, onChange: () => void) =>
    createStores(queries, { onAppended: onChange, withdrawal });
  // The coordinator calls `onAppended` itself, after the commit.
  const coordinatedStoresOver = (queries: Queries) => storesOver(queries, () => undefined);
  const coordinator = createCoordinator({
    database,
    name: 'sales',
    channel,
    log,
    clock,
    random,
    completions: { [ACCEPT_QUOTE]: recordDelivery(coordinatedStoresOver) },
    onCompleted: onAppended,
  });
  return {
    distributedTransact: createDistributedTransact({
      coordinator,
      storesOver: coordinatedStoresOver,
      audit: options.audit,
      onCommitted: onAppended,
      clock: options.clock,
      random,
    }),
    service: createOperatorService({ coordinator, sagas, mayServe: options.mayServe }),
    storesOver,
    nudge: () => sagas.nudge(),
    start() {
      coordinator.start();
      sagas.start();
    },
    close: async () => void (await Promise.all([coordinator.close(), sagas.close()])),
  };
}

/** The saga that archives the project of a cancelled order. */
type Withdrawal = SagaKind<{ readonly project: string }>;

function defineWithdrawal(sagas: Pick<Sagas, 'define'>, projects: Pick<Projects, 'archive'>): Withdrawal {
  return sagas.define<{ readonly project: string }>({
    kind: 'cancel-order',
    steps: [{ name: 'archive-project', run: ({ input }) => projects.archive(input.project) }],
  });
}

function createStores(
  queries: Queries,
  { onAppended, withdrawal }: { readonly onAppended: () => void; readonly withdrawal: Withdrawal },
): Stores {
  return {
    customers: { findLive: (id) => customers.getLive(queries, customers.nameOf(id)) },
    products: createProductStore(queries, onAppended),
    quotes: createQuoteStore(queries, onAppended),
    orders: createOrderStore(queries, onAppended),
    outbox: createOutbox(queries, withdrawal),
  };
}

/** An outbox of sagas, which start after the transaction of `queries` commits. */
function createOutbox(queries: Queries, withdrawal: Withdrawal): Outbox {
  return {
    async withdraw({ id }, project) {
      await withdrawal.start(queries, { id: `cancel-order-${id}`, subject: nameOf('order', id), input: { project } });
    },
  };
}
