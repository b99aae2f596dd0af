import { createPruning } from '@rondo/base';
import type { Database, OperatorAudit } from '@rondo/database';
import type { processOf, ServiceDefinition } from '@rondo/rpc/internal';
import { createOperations } from './operations-service.js';
import { pruneRuns } from './rows.js';
import { createRunService } from './run-service.js';
import { createRuns, declaredRuns, executedRuns } from './runs.js';
import { runsSchema } from './schema.js';
import { tryRun } from './trial.js';
import { RunWaiters } from './waiters.js';
import type { Workflow } from './workflow.js';

type RunPartsOptions = ReturnType<typeof processOf> & {
  readonly database: Database;
  readonly audit: OperatorAudit | undefined;
  readonly services: readonly ServiceDefinition[];
  readonly workflows: readonly Workflow[];
  readonly nudge: () => void;
};

/** What the workflows of a service add to its jobs: tables and services if there are some. */
export function createRunParts(options: RunPartsOptions) {
  const { database, audit, nudge, clock, wallClock, random, log } = options;
  const declared = declaredRuns(options.services, options.workflows);
  const waiters = new RunWaiters(database, clock);
  const context = { ...options, onEnd: (id: string) => waiters.ended(id) };
  const runs = createRuns(declared, context);
  if (declared.length === 0)
    return { runs, methods: [], schema: [], services: [], stop: async () => undefined, trial: async () => undefined };
  const onError = (err: unknown) => log.warn({ err }, 'runs whose retention has passed could not be removed');
  const pruning = createPruning((signal) => pruneRuns(database, signal), { clock, random, onError });
  return {
    runs,
    methods: executedRuns(declared, context),
    schema: [runsSchema],
    services: [
      createOperations({ database, declared, waiters, nudge, wallClock }),
      createRunService({ database, declared, audit, nudge }),
    ],
    trial: (stored: Uint8Array) => tryRun(declared, stored),
    stop: () => pruning.close(),
  };
}
