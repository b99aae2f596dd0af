/**
 * NATS JetStream as the engine of durable topics: `RONDO_TOPICS=nats://127.0.0.1:4222`, which `@rondo/topics` loads it for.
 *
 * ```ts
 * import { natsBroker } from '@rondo/topics-nats';
 * import { systemClock as clock } from '@rondo/rpc/clock';
 *
 * const broker = natsBroker('nats://127.0.0.1:4222', { clock });
 * await broker.open('sales.v1.OrderPlaced', { retentionMs: 604_800_000, groups: [] });
 * ```
 *
 * @packageDocumentation
 */

export { natsBroker } from '../broker.js';
export type { BrokerEvent, BrokerGroup, NatsBroker, Receiver, Take, Waiting } from '../interface.js';
