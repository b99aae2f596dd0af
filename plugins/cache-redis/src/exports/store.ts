/**
 * The store of {@link createRedisStore}, for programs that make a cache by themselves.
 *
 * ```ts
 * import { createRedisStore } from '@rondo/cache-redis/store';
 * import { silentLogger as log } from '@rondo/rpc/call';
 * import { systemClock as clock, systemRandom as random } from '@rondo/rpc/clock';
 *
 * const store = createRedisStore({ url: 'redis://127.0.0.1:6379', clock, random, log });
 * ```
 *
 * @packageDocumentation
 */

export { createRedisStore } from '../redis-store.js';
