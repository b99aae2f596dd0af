import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { createPool, createReadinessCheck, describeUrl } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import type { Random } from '@rondo/rpc/clock';
import { implement } from '@rondo/rpc/server';
import type { App } from '@rondo/service';
import { createCalculator } from './adapters/calculator.js';
import { createChangeFeed } from './adapters/change-feed.js';
import { createStoreDatabase } from './adapters/database.js';
import { createMemberStore } from './adapters/member-store.js';
import { createProjectStore } from './adapters/project-store.js';
import { createTaskStore } from './adapters/task-store.js';
import type { ProjectsConfig } from './config.js';
import { ServiceStopped } from './domain/errors.js';
import type { Ports } from './domain/ports.js';
import { projectHandlers } from './rpc/projects.js';
import { taskHandlers } from './rpc/tasks.js';
import { teamHandlers } from './rpc/team.js';

/** What the service needs of the process that it runs in. */
export interface ProjectsContext {
  readonly log: Logger;
  /** Reaches the calculator. */
  readonly channel: Channel;
  readonly random: Random;
}

const MIGRATIONS = new URL('../migrations/', import.meta.url);
/** 80 bits: short in a name, and beyond guessing. */
const ID_BYTES = 10;

/** Wires the service: the database at the bottom, the contract at the top. */
export function createApp({ log, channel, random }: ProjectsContext, { databaseUrl }: ProjectsConfig): App {
  const database = createPool({
    url: databaseUrl,
    applicationName: 'project-management',
    onError: (error) => log.warn({ err: error }, 'a connection to the database broke'),
  });
  const storeDatabase = createStoreDatabase(database);
  const changes = createChangeFeed();
  const ports: Ports = {
    projects: createProjectStore(storeDatabase),
    tasks: createTaskStore(storeDatabase),
    members: createMemberStore(storeDatabase),
    calculator: createCalculator(channel),
    changes,
    newId: () => random.hex(ID_BYTES),
  };

  return {
    services: [
      implement(ProjectServiceDefinition, projectHandlers(ports)),
      implement(TaskServiceDefinition, taskHandlers(ports)),
      implement(TeamServiceDefinition, teamHandlers(ports)),
    ],
    dependencies: [
      {
        name: `the ${describeUrl(databaseUrl)}`,
        check: createReadinessCheck(database, {
          directory: MIGRATIONS,
          log: (line) => log.info({}, line),
          warn: (line) => log.warn({}, line),
        }),
      },
    ],
    async stop() {
      changes.close(new ServiceStopped());
      await database.close();
    },
  };
}
