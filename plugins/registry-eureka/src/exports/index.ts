/**
 * Eureka as the registry of Rondo services: `RONDO_REGISTRY=eureka://127.0.0.1:8761`.
 *
 * ```ts
 * import { eureka } from '@rondo/registry-eureka';
 * import { runService } from '@rondo/service';
 *
 * await runService({ name: 'shop', port: 50060, createApp: () => ({ services: [] }), plugins: [eureka] });
 * ```
 *
 * @packageDocumentation
 */

import type { RegistryPlugin } from '@rondo/registries';

/** Eureka as a kind of registry. */
export const eureka: RegistryPlugin = {
  kind: 'registry',
  package: '@rondo/registry-eureka',
  schemes: ['eureka'],
  load: async () => (await import('../registry.js')).openEureka,
};
