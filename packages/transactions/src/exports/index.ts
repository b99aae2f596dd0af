/**
 * Distributed transactions over two services (two-phase commit on prepared transactions of PostgreSQL), and sagas for work that is
 * undone step by step.
 *
 * ```ts
 * import { createCoordinator, participant } from '@rondo/transactions';
 *
 * const coordinator = createCoordinator({ database, name: 'sales', channel, log });
 * await coordinator.run({
 *   kind: 'accept-order',
 *   subject: order.name,
 *   participants: [participant(ProjectServiceDefinition, DELIVER, request)],
 *   local: (transaction) => storeOrder(transaction, order),
 *   timeoutMs: 2_000,
 * });
 * ```
 */

export {
  type Coordinator,
  type CoordinatorOptions,
  createCoordinator,
} from '../coordinator/coordinator.js';
export type { Completion } from '../coordinator/finish.js';
export { type Part, participant } from '../coordinator/participants.js';
export type { Committed, DistributedTransaction } from '../coordinator/run.js';
export { createOperatorService, type OperatorServiceOptions } from '../operator-service.js';
export {
  createKnownCoordinators,
  type KnownCoordinators,
  type KnownCoordinatorsOptions,
} from '../participant/known-coordinators.js';
export {
  type Operation,
  type OperationContext,
  type OperationWork,
  operation,
} from '../participant/operation.js';
export { createParticipant, type Participant, type ParticipantOptions } from '../participant/participant.js';
export {
  type SagaDefinition,
  type SagaStep,
  type StepContext,
  StepRefused,
} from '../saga/advance.js';
export { createSagas, type SagaKind, type SagaStart, type Sagas, type SagasOptions } from '../saga/sagas.js';
export { transactionsSchema } from '../schema.js';
export {
  PROTOCOL_POINTS,
  type ProtocolPoint,
  TRANSACTIONS_CHANNEL,
  type TransactionEvent,
} from '../steps.js';
