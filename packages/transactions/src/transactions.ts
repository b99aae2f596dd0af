import type { PartDatabase } from '@rondo/database';
import { type PartOptions, processOf } from '@rondo/rpc/internal';
import type { Part } from '@rondo/rpc/server';
import { type Coordinator, type CoordinatorOptions, createCoordinator } from './coordinator/coordinator.js';
import { createOperatorService } from './operator-service.js';
import { createSagas, type Sagas, type SagasOptions } from './saga/sagas.js';
import { transactionsSchema } from './schema.js';

/** Options of the distributed transactions and sagas that a service runs. The channel reaches the participants. */
export interface TransactionsOptions
  extends PartOptions,
    Pick<CoordinatorOptions, 'name' | 'completions' | 'audit'>,
    Pick<SagasOptions, 'maxAttempts'> {
  /** The service's own database; it has the tables of `transactionsSchema`. Its audit says which operator resolved what. */
  readonly database: PartDatabase & PartOptions['database'];
}

/** The distributed transactions and sagas that a service runs. Once started, it finishes those that other replicas left. */
export interface Transactions extends Part, Pick<Coordinator, 'run'>, Pick<Sagas, 'define' | 'nudge'> {
  start(): void;
  /** Waits for work in progress. Another replica, or the next start, finishes the rest. */
  stop(): Promise<void>;
}

/** Methods that the gateway calls all the time while an operator looks at transactions. */
const QUIET = ['ListTransactions', 'ListSagas'].map((name) => `/rondo.transactions.v1.CoordinatorService/${name}`);

/** Creates the coordinator of a service and its sagas, and the service by which participants ask, and operators see and resolve them. */
export function createTransactions({ name, completions, maxAttempts, ...options }: TransactionsOptions): Transactions {
  const { database, audit = database.audit } = options;
  const shared = { ...processOf(options), database, audit };
  const { nudge: onCompleted } = database;
  const coordinator = createCoordinator({
    ...shared,
    name,
    ...(completions && { completions }),
    ...(onCompleted && { onCompleted }),
  });
  const sagas = createSagas({ ...shared, ...(maxAttempts !== undefined && { maxAttempts }) });
  return {
    name: 'the coordinator of transactions',
    schema: [transactionsSchema],
    quiet: QUIET,
    services: [createOperatorService({ coordinator, sagas, mayServe: shared.mayServe })],
    run: coordinator.run,
    define: sagas.define,
    nudge: sagas.nudge,
    start() {
      coordinator.start();
      sagas.start();
    },
    stop: async () => void (await Promise.all([coordinator.close(), sagas.close()])),
  };
}
