/**
 * A client-side cache of replies, by the option `cache` of a contract. Services get it from `@rondo/service`; a
 * script adds the middleware to its channel.
 *
 * ```ts
 * import { metrics } from '@opentelemetry/api';
 * import { createCache } from '@rondo/cache';
 * import { createRegistryChannel } from '@rondo/rpc/client';
 * import { systemClock as clock } from '@rondo/rpc/clock';
 *
 * const cache = createCache({ clock, meter: metrics.getMeter('shop'), maxBytes: 8 * 1024 * 1024 });
 * const channel = createRegistryChannel({ registry: ['127.0.0.1:50050'], wireMiddleware: [cache.middleware] });
 * ```
 */

export { createCache, type ResponseCache } from '../cache.js';
export { LEASE_MS, type SharedStore, type StorePlugin } from '../shared/shared-store.js';
