import { DeliveryServiceDefinition } from '@rondo/contracts/projects/v1/delivery';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import {
  createOutcomeStore,
  createPool,
  createReadiness,
  describeUrl,
  outcomesSchema,
  type PoolOptions,
} from '@rondo/database';
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
import { implement } from '@rondo/rpc/server';
import type { App, ServiceContext } from '@rondo/service';
import { createSubscriber } from '@rondo/topics';
import { createKnownCoordinators, createParticipant, transactionsSchema } from '@rondo/transactions';
import { projectRules } from './access.js';
import { createCalculator } from './calculator.js';
import { type ProjectsConfig, servicesByName } from './config.js';
import { deliverOperation, deliverOrder } from './deliveries.js';
import { errors } from './errors.js';
import { estimateProject } from './estimates.js';
import { memberMethods, members } from './members.js';
import { createProject } from './new-projects.js';
import { newTaskMethods } from './new-tasks.js';
import { watchProject } from './project-watch.js';
import { projectMethods, projects } from './projects.js';
import { reservationMethods, reservations } from './reservations.js';
import { taskMethods, tasks } from './tasks.js';

/** The dependencies of the service that its process provides. */
export interface ProjectsContext {
  readonly log: Logger;
  /** The channel to the calculator and to the coordinators of distributed transactions. */
  readonly channel: Channel;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  /** Tells which process is a coordinator's, by its certificate. */
  readonly mayServe?: ServiceContext['mayServe'];
  readonly meter?: ServiceContext['meter'];
}

/** The services by any of which a coordinator may address this service as a participant. */
const CONTRACTS = [ProjectServiceDefinition, TaskServiceDefinition, TeamServiceDefinition];
const MIGRATIONS = new URL('../migrations/', import.meta.url);
/** How long calls wait for the database, within their deadlines, before they fail. */
const DATABASE_GRACE_MS = 10_000;
/**
 * Connections reserved to commit and abort distributed transactions, for which all other connections may be waiting.
 */
const ENDING_CONNECTIONS = 2;
/** 80 bits: an id is short in a name and can't be guessed. */
const ID_BYTES = 10;
/** Shorter than a call's deadline: an in-doubt transaction keeps its locks for longer. */
const LOCK_TIMEOUT_MS = 2_000;

/** Wires the service, from the database up to the contract. */
export function createApp(context: ProjectsContext, config: ProjectsConfig): App {
  const { log, channel, clock, wallClock, random, meter } = context;
  const { databaseUrl } = config;
  const connect = (bounds: Pick<PoolOptions, 'lockTimeoutMs' | 'maxConnections' | 'poolName'>) =>
    createPool({
      url: databaseUrl,
      applicationName: 'project-management',
      ...bounds,
      meter,
      onError: (error) => log.warn({ err: error }, 'a connection to the database broke'),
    });
  const database = connect({ lockTimeoutMs: LOCK_TIMEOUT_MS });
  const endingDatabase = connect({ maxConnections: ENDING_CONNECTIONS, poolName: 'ending' });
  const sync = createSync({ database, url: databaseUrl, log, clock, random, meter });
  const background = { log, clock: backgroundClock(clock), wallClock };
  const audit = createAudit({ database, ...background, ...auditBy(config) });
  const storeDatabase = audit.over(createStoreDatabase(database, sync.nudge));
  const outcomes = createOutcomeStore(database, {
    onError: (error) => log.warn({ err: error }, 'old outcomes could not be removed'),
  });
  const newId = () => random.hex(ID_BYTES);
  const now = () => wallClock.now();
  const resources = { database: storeDatabase, sync, errors, newId, now };
  const estimates = { database: storeDatabase, calculator: createCalculator(channel), now };
  const participant = createParticipant({
    ...{ database, endingDatabase, log, clock: backgroundClock(clock), meter, audit },
    name: 'project-management',
    coordinators: coordinatorsOf(config, context),
    operations: [deliverOperation({ newId, now, audit })],
    onCommitted: sync.nudge,
  });
  const services = [DeliveryServiceDefinition];
  const subscriber = createSubscriber({ services, channel, log, clock: backgroundClock(clock) });
  const readiness = createReadiness(database, {
    directory: MIGRATIONS,
    parts: [syncSchema, transactionsSchema, outcomesSchema, auditSchema],
    log: (line) => log.info({}, line),
    warn: (line) => log.warn({}, line),
  });

  return {
    services: [
      implement(ProjectServiceDefinition, {
        ...projectMethods(resources),
        createProject: createProject(resources),
        estimateProject: (request) => errors.withRpcErrors(estimateProject(estimates, request)),
        watchProject: watchProject(resources),
      }),
      implement(TaskServiceDefinition, { ...taskMethods(resources), ...newTaskMethods(resources) }),
      implement(TeamServiceDefinition, { ...memberMethods(resources), ...reservationMethods(resources) }),
      implement(DeliveryServiceDefinition, { onOrderPlaced: deliverOrder(resources) }),
      participant.service,
      audit.service,
    ],
    observers: audit.observers,
    middleware: [createRules({ rules: projectRules(storeDatabase), toRpcError: errors.toRpcError })],
    outcomes,
    dependencies: [
      {
        name: `the ${describeUrl(databaseUrl)}`,
        graceMs: DATABASE_GRACE_MS,
        async prepare(signal) {
          await readiness.prepare(signal);
          await requireTables(database, [projects, tasks, members, reservations]);
        },
        async check(signal) {
          await readiness.check(signal);
          await participant.check(signal);
          participant.start();
          subscriber.start();
        },
      },
    ],
    async stop() {
      await Promise.all([participant.close(), subscriber.close(), sync.close(), outcomes.close(), audit.close()]);
      await Promise.all([database.close(), endingDatabase.close()]);
    },
  };
}

/** The coordinators of the distributed transactions in which the service takes part. */
function coordinatorsOf(
  { coordinators }: ProjectsConfig,
  { channel, mayServe }: ProjectsContext,
): ReturnType<typeof createKnownCoordinators> {
  const services = CONTRACTS.map(({ fullName }) => fullName);
  return createKnownCoordinators({ channel, coordinators: servicesByName(coordinators), services, mayServe });
}
