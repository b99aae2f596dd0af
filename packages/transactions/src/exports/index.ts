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

export type { Completion } from '../coordinator/finish.js';
export { participant } from '../coordinator/participants.js';
export { type Operation, operation } from '../participant/operation.js';
export { createParticipant } from '../participant/participant.js';
export { StepRefused } from '../saga/advance.js';
export type { SagaKind } from '../saga/sagas.js';
export { transactionsSchema } from '../schema.js';
export { PROTOCOL_POINTS } from '../steps.js';
export { createTransactions, type Transactions } from '../transactions.js';
