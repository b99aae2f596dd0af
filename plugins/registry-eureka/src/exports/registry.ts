/**
 * Eureka as a registry, by its adapter, for programs that open it by themselves.
 *
 * ```ts
 * import { eurekaRegistry } from '@rondo/registry-eureka/registry';
 * import { adapterResolver } from '@rondo/registries';
 * import { createChannel } from '@rondo/rpc/client';
 * import { systemClock as clock, systemRandom as random } from '@rondo/rpc/clock';
 *
 * const registry = eurekaRegistry('eureka://127.0.0.1:8761', { clock });
 * const channel = createChannel({ resolver: adapterResolver(registry, { clock, random }), healthCheck: true });
 * ```
 *
 * @packageDocumentation
 */

export { eurekaRegistry } from '../registry.js';
