/**
 * Consul as the registry of Rondo services: `RONDO_REGISTRY=consul://127.0.0.1:8500`.
 *
 * ```ts
 * import { consul } from '@rondo/registry-consul';
 * import { runService } from '@rondo/service';
 *
 * await runService({ name: 'shop', port: 50060, createApp: () => ({ services: [] }), plugins: [consul] });
 * ```
 *
 * @packageDocumentation
 */

import type { RegistryPlugin } from '@rondo/registries';

/** Consul as a kind of registry. */
export const consul: RegistryPlugin = {
  kind: 'registry',
  package: '@rondo/registry-consul',
  schemes: ['consul'],
  load: async () => (await import('../registry.js')).openConsul,
};
