/**
 * Redis as the second level of a cache, for the replicas of a service. It is apart, because a process without it doesn't load
 * the client.
 *
 * ```ts
 * import { createRedisStore } from '@rondo/cache/redis';
 *
 * const store = createRedisStore({ url: 'redis://127.0.0.1:6379', clock: systemClock, random: systemRandom, log });
 * ```
 */

export { createRedisStore, type RedisStoreOptions } from '../shared/redis-store.js';
