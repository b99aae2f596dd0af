import { type Audit, auditBy, auditSchema, createAudit, createRules } from '@rondo/access';
import { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
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
import { createStoreDatabase } from '@rondo/resources/sql';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { backgroundClock, type Clock, type Random, type WallClock } from '@rondo/rpc/clock';
import { implement } from '@rondo/rpc/server';
import type { App, ServiceContext } from '@rondo/service';
import { createSync, syncSchema } from '@rondo/sync';
import {
  createKnownCoordinators,
  createParticipant,
  type Operation,
  operation,
  transactionsSchema,
} from '@rondo/transactions';
import { createCalculator } from './adapters/calculator.js';
import { createDeliveryStore } from './adapters/delivery-store.js';
import { createMemberStore } from './adapters/member-store.js';
import { releaseProject } from './adapters/member-weeks.js';
import { createPlanStore } from './adapters/plan-store.js';
import { createProjectFeed } from './adapters/project-feed.js';
import { createProjectStore } from './adapters/project-store.js';
import { createReservationStore } from './adapters/reservation-store.js';
import { createFeeds } from './adapters/resource-feeds.js';
import { createTaskStore } from './adapters/task-store.js';
import { createTeamStore } from './adapters/team-store.js';
import { type ProjectsConfig, servicesByName } from './config.js';
import type { Ports } from './domain/ports.js';
import { projectRules } from './rpc/access.js';
import { deliverProjectIn, readDeliverProject } from './rpc/deliver-project.js';
import { toRpcError } from './rpc/errors.js';
import { projectHandlers } from './rpc/projects.js';
import { taskHandlers } from './rpc/tasks.js';
import { teamHandlers } from './rpc/team.js';

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
  const { log, channel, clock, wallClock, random, mayServe } = context;
  const { databaseUrl } = config;
  const connect = (bounds: Pick<PoolOptions, 'lockTimeoutMs' | 'maxConnections'>) =>
    createPool({
      url: databaseUrl,
      applicationName: 'project-management',
      ...bounds,
      onError: (error) => log.warn({ err: error }, 'a connection to the database broke'),
    });
  const [database, endingDatabase] = [
    connect({ lockTimeoutMs: LOCK_TIMEOUT_MS }),
    connect({ maxConnections: ENDING_CONNECTIONS }),
  ];
  const sync = createSync({ database, url: databaseUrl, log, clock, random });
  const background = { log, clock: backgroundClock(clock), wallClock };
  const audit = createAudit({ database, ...background, ...auditBy(config) });
  const storeDatabase = audit.over(createStoreDatabase(database, sync.nudge));
  const outcomes = createOutcomeStore(database, {
    onError: (error) => log.warn({ err: error }, 'old outcomes could not be removed'),
  });
  const ports: Ports = {
    projects: createProjectStore(storeDatabase, releaseProject),
    tasks: createTaskStore(storeDatabase),
    members: createMemberStore(storeDatabase),
    reservations: createReservationStore(storeDatabase),
    plans: createPlanStore(storeDatabase),
    calculator: createCalculator(channel),
    feed: createProjectFeed(sync),
    feeds: createFeeds({ sync, queries: storeDatabase }),
    teams: createTeamStore(storeDatabase),
    newId: () => random.hex(ID_BYTES),
    now: () => wallClock.now(),
  };

  const participant = createParticipant({
    ...{ database, endingDatabase, log, clock: backgroundClock(clock) },
    name: 'project-management',
    coordinators: createKnownCoordinators({
      channel,
      coordinators: servicesByName(config.coordinators),
      services: CONTRACTS.map(({ fullName }) => fullName),
      mayServe,
    }),
    operations: [deliverOperation(ports, audit)],
    onCommitted: sync.nudge,
  });
  const readiness = createReadiness(database, {
    directory: MIGRATIONS,
    parts: [syncSchema, transactionsSchema, outcomesSchema, auditSchema],
    log: (line) => log.info({}, line),
    warn: (line) => log.warn({}, line),
  });

  return {
    services: [
      implement(ProjectServiceDefinition, projectHandlers(ports)),
      implement(TaskServiceDefinition, taskHandlers(ports)),
      implement(TeamServiceDefinition, teamHandlers(ports)),
      participant.service,
      audit.service,
    ],
    observers: audit.observers,
    middleware: [createRules({ rules: projectRules(ports), toRpcError })],
    outcomes,
    dependencies: [
      {
        name: `the ${describeUrl(databaseUrl)}`,
        graceMs: DATABASE_GRACE_MS,
        prepare: readiness.prepare,
        async check(signal) {
          await readiness.check(signal);
          await participant.check(signal);
          participant.start();
        },
      },
    ],
    async stop() {
      await Promise.all([participant.close(), sync.close(), outcomes.close(), audit.close()]);
      await Promise.all([database.close(), endingDatabase.close()]);
    },
  };
}

/** The part of project management in the acceptance of a quote. It acts for the service, so no rule on teams applies. */
function deliverOperation(ports: Ports, audit: Pick<Audit, 'record'>): Operation {
  const deliver = deliverProjectIn({ ...ports, storeIn: createDeliveryStore });
  return operation(
    { request: DeliverProjectRequest, result: DeliverProjectResponse, read: readDeliverProject },
    async (transaction, command) => {
      const delivery = await deliver(transaction, command);
      await audit.record(transaction, delivery.project);
      return delivery;
    },
  );
}
