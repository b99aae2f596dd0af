import { auditBy, auditSchema, createAudit, createRules } from '@rondo/access';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { createOutcomeStore, createPool, createReadiness, describeUrl, outcomesSchema } from '@rondo/database';
import { requireTables } from '@rondo/resources';
import { dateAt } from '@rondo/resources/domain';
import { createStoreDatabase } from '@rondo/resources/sql';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { backgroundClock, type Clock, type Random, type WallClock } from '@rondo/rpc/clock';
import { implement } from '@rondo/rpc/server';
import type { App, ServiceContext } from '@rondo/service';
import { createSync, syncSchema } from '@rondo/sync';
import { transactionsSchema } from '@rondo/transactions';
import { createCalculator } from './adapters/calculator.js';
import { createDistributedTransactions } from './adapters/distributed-transactions.js';
import { createProjects } from './adapters/projects.js';
import { createFeeds } from './adapters/resource-feeds.js';
import { createSalespersonOf } from './adapters/salespeople.js';
import { createTransact } from './adapters/transact.js';
import type { SalesConfig } from './config.js';
import { customerService, customers } from './customers.js';
import type { Ports } from './domain/ports.js';
import { productMethods, products } from './products.js';
import { salesRules } from './rpc/access.js';
import { errors, toRpcError } from './rpc/errors.js';
import { orderService } from './rpc/orders.js';
import { quoteService } from './rpc/quotes.js';
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
  const { log, channel, clock, wallClock, random, mayServe } = context;
  const database = createPool({
    url: databaseUrl,
    applicationName: 'sales',
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    onError: (error) => log.warn({ err: error }, 'a connection to the database broke'),
  });
  const sync = createSync({
    database,
    url: databaseUrl,
    log,
    clock: backgroundClock(clock),
    random,
  });
  const outcomes = createOutcomeStore(database, {
    onError: (error) => log.warn({ err: error }, 'old outcomes could not be removed'),
  });
  const background = { log, clock: backgroundClock(clock), wallClock };
  const audit = createAudit({ database, ...background, ...auditBy(config) });
  const projects = createProjects(channel);
  const distributed = createDistributedTransactions({
    ...{ database, channel, projects, log, clock, random, mayServe },
    onAppended: sync.nudge,
    audit,
  });
  const storeDatabase = audit.over(createStoreDatabase(database, sync.nudge));
  const onAppended = () => {
    sync.nudge();
    distributed.nudge();
  };
  const newId = () => random.hex(ID_BYTES);
  const methods = { database: storeDatabase, sync, errors, newId };
  const ports: Ports = {
    stores: distributed.storesOver(storeDatabase, sync.nudge),
    lists: distributed.storesOver(storeDatabase.reads, sync.nudge),
    transact: createTransact(storeDatabase, { createStores: distributed.storesOver, onAppended }),
    distributedTransact: distributed.distributedTransact,
    feeds: createFeeds({ sync, queries: storeDatabase }),
    salespersonOf: createSalespersonOf(storeDatabase),
    calculator: createCalculator(channel),
    newId,
    now: () => wallClock.now(),
    today: () => dateAt(wallClock.now()),
  };
  const readiness = createReadiness(database, {
    directory: MIGRATIONS,
    parts: [syncSchema, transactionsSchema, outcomesSchema, auditSchema],
    log: (line) => log.info({}, line),
    warn: (line) => log.warn({}, line),
  });
  return {
    services: [
      customerService(methods),
      implement(ProductServiceDefinition, { ...productMethods(methods), ...stockMethods(methods) }),
      ...[quoteService, orderService].map((of) => of(ports)),
      distributed.service,
      audit.service,
    ],
    observers: audit.observers,
    middleware: [createRules({ rules: salesRules(ports), toRpcError })],
    outcomes,
    dependencies: [
      {
        name: `the ${describeUrl(databaseUrl)}`,
        graceMs: DATABASE_GRACE_MS,
        async prepare(signal) {
          await readiness.prepare(signal);
          await requireTables(database, [customers, products]);
          distributed.start();
        },
        check: readiness.check,
      },
    ],
    async stop() {
      await Promise.all([distributed.close(), sync.close(), outcomes.close(), audit.close()]);
      await database.close();
    },
  };
}
