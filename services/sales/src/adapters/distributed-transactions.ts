import type { Database, Queries } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { backgroundClock, type Clock, type Random } from '@rondo/rpc/clock';
import type { ServiceImplementation } from '@rondo/rpc/server';
import { createCoordinator, createOperatorService, createSagas, type SagaKind, type Sagas } from '@rondo/transactions';
import type { Deliveries, Projects, Stores, Afterwards } from '../domain/ports.js';
import { createQueries } from './database.js';
import { ACCEPT_QUOTE, createDeliveries, recordDelivery } from './delivery-transaction.js';
import { nameOf } from '../domain/names.js';
import { createCustomerStore } from './customer-store.js';
import { createOrderStore } from './order-store.js';
import { createProductStore } from './product-store.js';
import { createQuoteStore } from './quote-store.js';
import { createRequestLog } from './request-log.js';

/** What this service does together with others. */
interface AcrossServices {
  readonly deliveries: Deliveries;
  /** What operators see of it. */
  readonly service: ServiceImplementation;
  /** Stores that can leave work for afterwards. */
  storesOver(queries: Queries, onAppended: () => void): Stores;
  /** Looks for what has been left to do, after a commit. */
  nudge(): void;
  /** Begins, once the tables are there: with what was left unfinished. */
  start(): void;
  close(): Promise<void>;
}

/** What it is made with. */
interface AcrossServicesOptions {
  readonly database: Database;
  readonly channel: Channel;
  readonly projects: Projects;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  /** Ends an acceptance that an earlier version has left half done. */
  readonly finish: (stores: Stores, quoteId: string) => Promise<void>;
  /** Told of each commit that has changes for watchers. */
  readonly onAppended: () => void;
}

/** At most a minute apart, these last a week: whoever is away for longer needs an operator. */
const MAX_ATTEMPTS = 10_000;

/** Joins the coordinator of this service, its sagas, and its stores. */
export function createAcrossServices(options: AcrossServicesOptions): AcrossServices {
  const { database, channel, projects, log, random, onAppended } = options;
  const clock = backgroundClock(options.clock);
  const sagas = createSagas({ database, log, clock, random, maxAttempts: MAX_ATTEMPTS });
  const withdrawal = defineWithdrawal(sagas, projects);
  const storesOver = (queries: Queries, told: () => void) => createStores(queries, { onAppended: told, withdrawal });
  // Whoever decides, or has it confirmed, tells of changes itself.
  const quietStoresOver = (queries: Queries) => storesOver(queries, () => undefined);
  const stores = storesOver(createQueries(database), onAppended);
  defineFinishing(sagas, (quoteId) => options.finish(stores, quoteId));
  const coordinator = createCoordinator({
    database,
    name: 'sales',
    channel,
    log,
    clock,
    random,
    completions: { [ACCEPT_QUOTE]: recordDelivery(quietStoresOver) },
    onCompleted: onAppended,
  });
  return {
    deliveries: createDeliveries({
      coordinator,
      storesOver: quietStoresOver,
      onDecided: onAppended,
      clock: options.clock,
      random,
    }),
    service: createOperatorService({ coordinator, sagas }),
    storesOver,
    nudge: () => sagas.nudge(),
    start() {
      coordinator.start();
      sagas.start();
    },
    close: async () => void (await Promise.all([coordinator.close(), sagas.close()])),
  };
}

/** The saga that withdraws the project of a cancelled order. */
type Withdrawal = SagaKind<{ readonly project: string }>;

/** Defines what a cancelled order leaves to be done. */
function defineWithdrawal(sagas: Pick<Sagas, 'define'>, projects: Pick<Projects, 'archive'>): Withdrawal {
  return sagas.define<{ readonly project: string }>({
    kind: 'cancel-order',
    steps: [{ name: 'archive-project', run: ({ input }) => projects.archive(input.project) }],
  });
}

/** Defines what migration 0004 has started for each acceptance that was half done by then. */
function defineFinishing(sagas: Pick<Sagas, 'define'>, finish: (quoteId: string) => Promise<void>): void {
  sagas.define<{ readonly quote: string }>({
    kind: 'finish-acceptance',
    steps: [{ name: 'create-project', run: ({ input }) => finish(input.quote) }],
  });
}

/** What is done once the transaction of `queries` is committed. */
function createAfterwards(queries: Queries, withdrawal: Withdrawal): Afterwards {
  return {
    async withdraw({ id }, project) {
      await withdrawal.start(queries, { id: `cancel-order-${id}`, subject: nameOf('order', id), input: { project } });
    },
  };
}

/** What stores are made with. */
interface StoresOptions {
  /** See {@link createOrderStore}. */
  readonly onAppended: () => void;
  readonly withdrawal: Withdrawal;
}

/** All stores over one way to run statements: a pool, or a transaction. */
function createStores(queries: Queries, { onAppended, withdrawal }: StoresOptions): Stores {
  return {
    customers: createCustomerStore(queries),
    products: createProductStore(queries),
    quotes: createQuoteStore(queries),
    orders: createOrderStore(queries, onAppended),
    requests: createRequestLog(queries),
    afterwards: createAfterwards(queries, withdrawal),
  };
}
