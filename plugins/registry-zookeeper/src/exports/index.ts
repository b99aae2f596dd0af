/**
 * ZooKeeper as the registry of Rondo services, in the layout of Curator: `RONDO_REGISTRY=zookeeper://10.0.0.7:2181`.
 *
 * ```ts
 * import { zookeeper } from '@rondo/registry-zookeeper';
 * import { runService } from '@rondo/service';
 *
 * await runService({ name: 'shop', port: 50060, createApp: () => ({ services: [] }), plugins: [zookeeper] });
 * ```
 *
 * @packageDocumentation
 */

import type { RegistryPlugin } from '@rondo/registries';

/** ZooKeeper as a kind of registry. */
export const zookeeper: RegistryPlugin = {
  kind: 'registry',
  package: '@rondo/registry-zookeeper',
  schemes: ['zookeeper'],
  load: async () => (await import('../registry.js')).openZooKeeper,
};
