/**
 * Middleware: functions around each call of a client, a channel or a router, and what they need to look into a stream.
 *
 * ```ts
 * import type { Call } from '@rondo/rpc/call';
 * import type { Next } from '@rondo/rpc/middleware';
 *
 * // For both sides: logs how long each call takes.
 * const timed = async <C extends Call>(call: C, next: Next<C>) => {
 *   const startedAt = clock.now();
 *   try {
 *     return await next(call);
 *   } finally {
 *     log.info({ method: call.method.path, ms: clock.now() - startedAt }, 'call');
 *   }
 * };
 * ```
 */

export type { Middleware, Next } from '../middleware/middleware.js';
export { mapMessages, observe } from '../middleware/stream.js';
