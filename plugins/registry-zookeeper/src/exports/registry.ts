/**
 * ZooKeeper as a registry, by its adapter, for programs that open it by themselves.
 *
 * ```ts
 * import { adapterResolver } from '@rondo/registries';
 * import { createChannel } from '@rondo/rpc/client';
 * import { systemClock as clock, systemRandom as random } from '@rondo/rpc/clock';
 * import { zookeeperRegistry } from '@rondo/registry-zookeeper/registry';
 *
 * const registry = zookeeperRegistry('zookeeper://10.0.0.7:2181', { ttlMs: 10_000, clock, random });
 * const channel = createChannel({ resolver: adapterResolver(registry, { clock, random }), healthCheck: true });
 * ```
 *
 * @packageDocumentation
 */

export { zookeeperRegistry } from '../registry.js';
