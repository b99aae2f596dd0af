import { OrderPlaced, OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { createOutcomeStore, createPool, createReadiness, describeUrl, outcomesSchema } from '@rondo/database';
import { createJobs, jobsSchema } from '@rondo/jobs';
import {
  auditBy,
  auditSchema,
  createAudit,
  createRules,
  createSync,
  requireTables,
  syncSchema,
} from '@rondo/resources';
import { createStoreDatabase } from '@rondo/resources/sql';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { backgroundClock, type Clock, type Random, type WallClock } from '@rondo/rpc/clock';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { App, ServiceContext } from '@rondo/service';
import { createTopics, topicsSchema } from '@rondo/topics';
import { transactionsSchema } from '@rondo/transactions';
import { acceptQuote } from './accept-quote.js';
import { salesRules } from './access.js';
import { createCalculator } from './calculator.js';
import { cancelOrder } from './cancel-order.js';
import type { SalesConfig } from './config.js';
import type { SalesMethods } from './context.js';
import { customerService, customers } from './customers.js';
import { createDelivery, type Delivery } from './delivery.js';
import { errors } from './errors.js';
import { orderMethods, orders } from './orders.js';
import { type OrderTopics, placeOrder } from './place-order.js';
import { productMethods, products } from './products.js';
import { quoteMethods, quotes } from './quotes.js';
import { remindOwner } from './remind-owner.js';
import type { ReminderMethods } from './reminders.js';
import { stockMethods } from './stock.js';

/** The dependencies of the service that its process provides. */
export interface SalesContext {
  readonly log: Logger;
  /** The channel to the calculator and to project management. */
  readonly channel: Channel;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  /** Which process serves a service, by its certificate; every process by default. */
  readonly mayServe?: ServiceContext['mayServe'];
  readonly meter?: ServiceContext['meter'];
  readonly topics?: ServiceContext['topics'];
}

const MIGRATIONS = new URL('../migrations/', import.meta.url);
/** How long calls wait for the database, within their deadlines, before they fail. */
const DATABASE_GRACE_MS = 10_000;
/** 80 bits: an id is short in a name and can't be guessed. */
const ID_BYTES = 10;
/** Shorter than a call's deadline: an in-doubt transaction keeps its locks for longer. */
const LOCK_TIMEOUT_MS = 2_000;

/** Wires the service, from the database up to the contract. */
export function createApp(context: SalesContext, { databaseUrl, ...config }: SalesConfig): App {
  const { log, channel, clock, wallClock, random, mayServe, meter, topics: broker } = context;
  const database = createPool({
    url: databaseUrl,
    applicationName: 'sales',
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    meter,
    onError: (error) => log.warn({ err: error }, 'a connection to the database broke'),
  });
  const sync = createSync({
    database,
    url: databaseUrl,
    log,
    clock: backgroundClock(clock),
    random,
    meter,
  });
  const outcomes = createOutcomeStore(database, {
    onError: (error) => log.warn({ err: error }, 'old outcomes could not be removed'),
  });
  const background = { log, clock: backgroundClock(clock), wallClock };
  const audit = createAudit({ database, ...background, ...auditBy(config) });
  const delivery = createDelivery({
    ...{ database, channel, log, clock, random, mayServe, meter, audit },
    onAppended: sync.nudge,
  });
  const services = [QuoteServiceDefinition];
  const jobs = createJobs({ database, services, channel, log, clock: background.clock, random, meter, audit });
  const topics = createTopics({
    ...{ database, topics: [OrderPlaced], services: [OrderServiceDefinition], channel, log, random, meter, mayServe },
    ...{ clock: background.clock, audit, broker },
  });
  const methods: SalesMethods & ReminderMethods = {
    ...{ database: audit.over(createStoreDatabase(database, sync.nudge)), sync, errors, jobs },
    calculator: createCalculator(channel),
    newId: () => random.hex(ID_BYTES),
    now: () => wallClock.now(),
  };
  const readiness = createReadiness(database, {
    directory: MIGRATIONS,
    parts: [syncSchema, transactionsSchema, outcomesSchema, auditSchema, jobsSchema, topicsSchema],
    log: (line) => log.info({}, line),
    warn: (line) => log.warn({}, line),
  });
  return {
    services: [
      ...salesServices(methods, delivery, topics),
      delivery.service,
      audit.service,
      jobs.service,
      topics.service,
    ],
    observers: audit.observers,
    middleware: [createRules({ rules: salesRules(methods.database), toRpcError: errors.toRpcError })],
    outcomes,
    dependencies: [
      {
        name: `the ${describeUrl(databaseUrl)}`,
        graceMs: DATABASE_GRACE_MS,
        async prepare(signal) {
          await readiness.prepare(signal);
          await requireTables(database, [customers, products, quotes, orders]);
          delivery.start();
          await Promise.all([jobs.start(), topics.start()]);
        },
        check: readiness.check,
      },
    ],
    async stop() {
      await Promise.all([jobs, topics, delivery, sync, outcomes, audit].map((one) => one.close()));
      await database.close();
    },
  };
}

/** The services of the contracts: of each resource the standard methods, and its own. */
const salesServices = (
  methods: SalesMethods & ReminderMethods,
  delivery: Delivery,
  topics: OrderTopics,
): readonly ServiceImplementation[] => [
  customerService(methods),
  implement(ProductServiceDefinition, { ...productMethods(methods), ...stockMethods(methods) }),
  implement(QuoteServiceDefinition, {
    ...quoteMethods(methods),
    ...{ acceptQuote: acceptQuote(methods, delivery), remindOwner: remindOwner(methods) },
  }),
  implement(OrderServiceDefinition, {
    ...orderMethods(methods),
    ...{ placeOrder: placeOrder(methods, topics), cancelOrder: cancelOrder(methods, delivery) },
  }),
];
