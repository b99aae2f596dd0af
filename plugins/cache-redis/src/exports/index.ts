/**
 * Redis as the store in which the replicas of a service share the answers that they keep of others: `RONDO_CACHE=redis://127.0.0.1:6379`.
 *
 * ```ts
 * import { redis } from '@rondo/cache-redis';
 * import { runService } from '@rondo/service';
 *
 * await runService({ name: 'shop', port: 50060, createApp: () => ({ services: [] }), plugins: [redis] });
 * ```
 *
 * @packageDocumentation
 */

import type { StorePlugin } from '@rondo/cache';

/** Redis, or Valkey, as the shared store of a cache. */
export const redis: StorePlugin = {
  kind: 'cache',
  package: '@rondo/cache-redis',
  schemes: ['redis', 'rediss'],
  open: async (options) => (await import('../redis-store.js')).createRedisStore(options),
};
