/**
 * NATS JetStream as a carrier of durable topics, for programs that open it by themselves.
 *
 * ```ts
 * import { systemClock as clock } from '@rondo/rpc/clock';
 * import { natsBroker } from '@rondo/topics-nats/broker';
 *
 * const broker = natsBroker('nats://127.0.0.1:4222', { clock });
 * ```
 *
 * @packageDocumentation
 */

export { natsBroker } from '../broker.js';
