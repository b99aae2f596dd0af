import { DeliveryServiceDefinition } from '@rondo/contracts/projects/v1/delivery';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { auditBy, createAudit, openDatabase, rulesPart } from '@rondo/resources';
import { implement } from '@rondo/rpc/server';
import type { App, ServiceContext } from '@rondo/service';
import { createSubscriber } from '@rondo/topics';
import { createParticipant } from '@rondo/transactions';
import { projectRules } from './access.js';
import { createCalculator } from './calculator.js';
import type { ProjectsConfig } from './config.js';
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

/** What the service gets from its process. A test gives a part of it. */
export type ProjectsContext = Pick<ServiceContext, 'log' | 'channel'> & Partial<ServiceContext>;

/** The services by any of which a coordinator may address this service as a participant. */
const CONTRACTS = [ProjectServiceDefinition, TaskServiceDefinition, TeamServiceDefinition];
const MIGRATIONS = new URL('../migrations/', import.meta.url);

/** Creates the service: opens its database and what works with it, and implements its contracts. */
export function createApp(context: ProjectsContext, { databaseUrl: url, ...config }: ProjectsConfig): App {
  const resources = [projects, tasks, members, reservations];
  const opened = openDatabase({ ...context, name: 'project-management', url, migrations: MIGRATIONS, resources });
  const audit = createAudit({ database: opened, ...auditBy(config) });
  const database = audit.over(opened);
  const methods = { ...database.context, errors, calculator: createCalculator(context.channel) };
  const participant = createParticipant({
    database,
    name: 'project-management',
    coordinators: { sales: 'sales.v1.QuoteService' },
    services: CONTRACTS,
    operations: [deliverOperation({ ...methods, audit })],
  });
  const subscriber = createSubscriber({ database, services: [DeliveryServiceDefinition] });
  const rules = rulesPart({ rules: projectRules(methods.database), toRpcError: errors.toRpcError });
  return {
    parts: [database, audit, participant, subscriber, rules],
    services: [
      implement(ProjectServiceDefinition, {
        ...projectMethods(methods),
        createProject: createProject(methods),
        estimateProject: (request) => errors.withRpcErrors(estimateProject(methods, request)),
        watchProject: watchProject(methods),
      }),
      implement(TaskServiceDefinition, { ...taskMethods(methods), ...newTaskMethods(methods) }),
      implement(TeamServiceDefinition, { ...memberMethods(methods), ...reservationMethods(methods) }),
      implement(DeliveryServiceDefinition, { onOrderPlaced: deliverOrder(methods) }),
    ],
  };
}
