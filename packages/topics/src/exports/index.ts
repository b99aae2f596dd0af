/**
 * Topics: events that a service stores in its transaction, and that its replicas deliver as calls of each method that subscribes, until it
 * succeeds. Contracts say which: `(rondo.options.v1.topic)` of a message, and `subscription` in `(rondo.options.v1.method)`.
 *
 * ```ts
 * import { Moved, MoverServiceDefinition, WatcherServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/topics';
 * import { createPool } from '@rondo/database';
 * import { silentLogger } from '@rondo/rpc/call';
 * import { createRegistryChannel } from '@rondo/rpc/client';
 * import { createSubscriber, createTopics } from '@rondo/topics'; // topicsSchema of it is a part of the publisher's readiness
 *
 * const database = createPool({ url: 'postgres://mover:secret@127.0.0.1:5432/mover' });
 * const channel = createRegistryChannel({ registry: ['127.0.0.1:50050'] });
 * const services = [MoverServiceDefinition];
 * const topics = createTopics({ database, topics: [Moved], services, channel, log: silentLogger });
 * await database.transaction((transaction) => topics.publish(transaction, Moved, { piece: 'king', move: 1n }));
 * topics.nudge();
 *
 * createSubscriber({ services: [WatcherServiceDefinition], channel, log: silentLogger }).start(); // in another process
 * ```
 */

export type { Broker, BrokerEvent, BrokerPlugin } from '../broker.js';
export { createEphemeralTopics } from '../ephemeral.js';
export { publishSql } from '../groups.js';
export { topicsSchema } from '../schema.js';
export { createSubscriber } from '../subscriber.js';
export { createTopics, type Topics } from '../topics.js';
