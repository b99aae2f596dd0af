/**
 * Scatter-gather: calls of many instances for one answer. `scatterStream` distributes the parts of some work over the instances of
 * a service, and `broadcast` calls each of them once.
 *
 * ```ts
 * import { broadcast } from '@rondo/balancing/scatter';
 * import { HealthDefinition } from '@rondo/contracts/health/v1/health';
 * import { createClient } from '@rondo/rpc/client';
 *
 * const health = createClient(HealthDefinition, { at: 'prices.v1.PriceService' });
 * for (const { instance, ok } of await broadcast(health.check, {}, { require: 'none' })) console.log(instance, ok);
 * ```
 *
 * @packageDocumentation
 */

export { broadcast } from '../scatter/broadcast.js';
export type { BroadcastOptions, PartResult, PartResults, ScatterStreamOptions } from '../scatter/options.js';
export { scatterStream } from '../scatter/stream.js';
