export {
  type Coordinator,
  type CoordinatorOptions,
  createCoordinator,
  type Inquiry,
} from '../coordinator/coordinator.js';
export type { CompletedTransaction, Completion } from '../coordinator/finish.js';
export type { Confirmation, Decision, LogEntry, LoggedParticipant } from '../coordinator/log.js';
export { type OperationTypes, type Part, part, type ResultsOf } from '../coordinator/participants.js';
export type { Committed, DistributedTransaction } from '../coordinator/run.js';
export { createOperatorService, type OperatorServiceOptions } from '../operator-service.js';
export {
  type KnownCoordinators,
  type KnownCoordinatorsOptions,
  knownCoordinators,
} from '../participant/known-coordinators.js';
export {
  type NamedMessageType,
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
  type Role,
  type StepName,
  TRANSACTIONS_CHANNEL,
  type TransactionEvent,
} from '../steps.js';
