/**
 * NATS JetStream as the carrier of durable topics: a plugin for `RONDO_TOPICS=nats://127.0.0.1:4222`. It has a stream for each topic, and for
 * each group a consumer of each partition.
 *
 * ```ts
 * import { nats } from '@rondo/topics-nats';
 * import { runService } from '@rondo/service';
 *
 * await runService({ name: 'sales', port: 50053, createApp: () => ({ services: [] }), plugins: [nats] });
 * ```
 *
 * @packageDocumentation
 */

export { nats } from '../plugin.js';
