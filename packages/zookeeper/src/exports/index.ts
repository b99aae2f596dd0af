/**
 * ZooKeeper as the registry of Rondo services, in the layout of Curator: `RONDO_REGISTRY=zookeeper://10.0.0.7:2181`.
 *
 * @packageDocumentation
 */

export { type ZooKeeperOptions, zookeeperRegistry } from '../registry.js';
