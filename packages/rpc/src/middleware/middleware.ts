import type { Call, Reply } from '../call/index.js';

/** The rest of the chain. */
export type Next<C extends Call = Call> = (call: C) => Promise<Reply>;

/**
 * One link of the chain around a call. It may change the call on its way in, the reply or the error on its way out,
 * or answer without calling `next`. One that fits both sides is generic in the call:
 *
 * ```ts
 * const timed = async <C extends Call>(call: C, next: Next<C>) => { … };
 * ```
 */
export type Middleware<C extends Call = Call> = (call: C, next: Next<C>) => Promise<Reply>;

/** Joins a chain and what it ends in; the first listed is outermost. */
export function compose<C extends Call>(chain: readonly Middleware<C>[], end: Next<C>): Next<C> {
  return chain.reduceRight<Next<C>>((next, middleware) => (call) => middleware(call, next), end);
}
