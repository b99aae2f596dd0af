/**
 * Distributed transactions over two services (two-phase commit on prepared transactions of PostgreSQL), and sagas for work that is
 * undone step by step.
 *
 * ```ts
 * import { StringValue } from '@rondo/contracts/google/protobuf/wrappers';
 * import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
 * import { createPool } from '@rondo/database';
 * import { silentLogger } from '@rondo/rpc/call';
 * import { createRegistryChannel } from '@rondo/rpc/client';
 * import { createTransactions, participant } from '@rondo/transactions';
 *
 * const database = createPool({ url: 'postgres://shop:secret@127.0.0.1:5432/shop' });
 * const channel = createRegistryChannel({ registry: ['127.0.0.1:50050'] });
 * const transactions = createTransactions({ database, name: 'shop', channel, log: silentLogger });
 * const bookVan = { request: StringValue, result: StringValue }; // an operation of the participant, which a service addresses
 * await transactions.run({
 *   kind: 'order',
 *   subject: 'orders/1',
 *   participants: [participant(AdderServiceDefinition, bookVan, { value: 'orders/1' })],
 *   local: (transaction) => transaction.query('INSERT INTO orders (name) VALUES ($1)', ['orders/1']),
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
export { createTransactions, type Transactions, type TransactionsOptions } from '../transactions.js';
