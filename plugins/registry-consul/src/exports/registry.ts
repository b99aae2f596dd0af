/**
 * Consul as a registry, by its adapter, for programs that open it by themselves.
 *
 * ```ts
 * import { consulRegistry } from '@rondo/registry-consul/registry';
 * import { adapterResolver } from '@rondo/registries';
 * import { createChannel } from '@rondo/rpc/client';
 * import { systemClock as clock, systemRandom as random } from '@rondo/rpc/clock';
 *
 * const resolver = adapterResolver(consulRegistry('consul://127.0.0.1:8500'), { clock, random });
 * const channel = createChannel({ resolver, healthCheck: true });
 * ```
 *
 * @packageDocumentation
 */

export { consulRegistry } from '../registry.js';
