import { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { createPool, createReadinessCheck, describeUrl, type PoolOptions } from '@rondo/database';
import { startRequestTrim } from '@rondo/resources/sql';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { backgroundClock, type Clock, type Random, type WallClock } from '@rondo/rpc/clock';
import { implement } from '@rondo/rpc/server';
import type { App } from '@rondo/service';
import { createSync, syncSchema } from '@rondo/sync';
import { createParticipant, knownCoordinators, operation, transactionsSchema } from '@rondo/transactions';
import { createCalculator } from './adapters/calculator.js';
import { createStoreDatabase } from './adapters/database.js';
import { createDeliveryStore } from './adapters/delivery-store.js';
import { createMemberStore } from './adapters/member-store.js';
import { releaseProject } from './adapters/member-weeks.js';
import { createPlanStore } from './adapters/plan-store.js';
import { createProjectStore } from './adapters/project-store.js';
import { createProjectWatches } from './adapters/project-feed.js';
import { REQUESTS } from './adapters/request-log.js';
import { createReservationStore } from './adapters/reservation-store.js';
import { createTaskStore } from './adapters/task-store.js';
import { type ProjectsConfig, servicesByName } from './config.js';
import type { Ports } from './domain/ports.js';
import { deliverIn } from './rpc/deliveries.js';
import { projectHandlers } from './rpc/projects.js';
import { taskHandlers } from './rpc/tasks.js';
import { teamHandlers } from './rpc/team.js';

/** What the service needs of the process that it runs in. */
export interface ProjectsContext {
  readonly log: Logger;
  /** Reaches the calculator. */
  readonly channel: Channel;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
}

/** By any of these a coordinator may address the service as a participant. */
const CONTRACTS = [ProjectServiceDefinition, TaskServiceDefinition, TeamServiceDefinition];
const MIGRATIONS = new URL('../migrations/', import.meta.url);
/** So long calls wait for it, within their deadlines, before they are turned away. */
const DATABASE_GRACE_MS = 10_000;
/** Kept for the ends of transactions across services, which all others may wait for. */
const ENDING_CONNECTIONS = 2;
/** 80 bits: short in a name, and beyond guessing. */
const ID_BYTES = 10;

/** Less than a call's deadline: whoever waits for the locks of a transaction in doubt keeps a connection from others. */
const LOCK_TIMEOUT_MS = 2_000;

/** Wires the service: the database at the bottom, the contract at the top. */
export function createApp(context: ProjectsContext, config: ProjectsConfig): App {
  const { log, channel, clock, wallClock, random } = context;
  const { databaseUrl } = config;
  const connect = (bounds: Pick<PoolOptions, 'lockTimeoutMs' | 'maxConnections'>) =>
    createPool({
      url: databaseUrl,
      applicationName: 'project-management',
      ...bounds,
      onError: (error) => log.warn({ err: error }, 'a connection to the database broke'),
    });
  const [database, ending] = [
    connect({ lockTimeoutMs: LOCK_TIMEOUT_MS }),
    connect({ maxConnections: ENDING_CONNECTIONS }),
  ];
  const sync = createSync({ database, url: databaseUrl, log, clock, random: random.next });
  const storeDatabase = createStoreDatabase(database, sync.nudge);
  const requestTrim = startRequestTrim(database, {
    requests: REQUESTS,
    clock: backgroundClock(clock),
    random: random.next,
    onError: (error) => log.warn({ err: error }, 'old requests could not be removed'),
  });
  const ports: Ports = {
    projects: createProjectStore(storeDatabase, releaseProject),
    tasks: createTaskStore(storeDatabase),
    members: createMemberStore(storeDatabase),
    reservations: createReservationStore(storeDatabase),
    plans: createPlanStore(storeDatabase),
    calculator: createCalculator(channel),
    watches: createProjectWatches(sync),
    newId: () => random.hex(ID_BYTES),
    now: () => wallClock.now(),
  };

  const deliver = operation(
    { request: DeliverProjectRequest, result: DeliverProjectResponse },
    deliverIn({ ...ports, storeIn: createDeliveryStore }),
  );
  const participant = createParticipant({
    ...{ database, ending, log, clock: backgroundClock(clock) },
    name: 'project-management',
    coordinators: knownCoordinators({
      channel,
      coordinators: servicesByName(config.coordinators),
      services: CONTRACTS.map(({ fullName }) => fullName),
    }),
    operations: [deliver],
    onCommitted: sync.nudge,
  });
  const migrated = createReadinessCheck(database, {
    directory: MIGRATIONS,
    parts: [syncSchema, transactionsSchema],
    log: (line) => log.info({}, line),
    warn: (line) => log.warn({}, line),
  });

  return {
    services: [
      implement(ProjectServiceDefinition, projectHandlers(ports)),
      implement(TaskServiceDefinition, taskHandlers(ports)),
      implement(TeamServiceDefinition, teamHandlers(ports)),
      participant.service,
    ],
    dependencies: [
      {
        name: `the ${describeUrl(databaseUrl)}`,
        graceMs: DATABASE_GRACE_MS,
        async check(signal) {
          await migrated(signal);
          await participant.check(signal);
          participant.start();
        },
      },
    ],
    async stop() {
      await Promise.all([participant.close(), sync.close(), requestTrim.close()]);
      await Promise.all([database.close(), ending.close()]);
    },
  };
}
