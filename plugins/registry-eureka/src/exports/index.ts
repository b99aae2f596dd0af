/**
 * Eureka as the registry of Rondo services: `RONDO_REGISTRY=eureka://127.0.0.1:8761`.
 *
 * ```ts
 * import { eurekaRegistry } from '@rondo/registry-eureka';
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

export { type EurekaOptions, eurekaRegistry } from '../registry.js';
