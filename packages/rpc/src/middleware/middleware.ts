import type { Call, Reply } from '../call/call.js';

/** The rest of the middleware chain. */
export type Next<C extends Call = Call> = (call: C) => Promise<Reply>;

/**
 * Middleware wraps a call. It may change the call before `next`, change the reply or the error after it, or answer
 * without calling `next`. Middleware for both sides is generic in the call:
 *
 * ```ts
 * const timed = async <C extends Call>(call: C, next: Next<C>) => { … };
 * ```
 */
export type Middleware<C extends Call = Call> = (call: C, next: Next<C>) => Promise<Reply>;

/** Composes middleware and the function at its end. The first middleware is the outermost. */
export function compose<C extends Call>(chain: readonly Middleware<C>[], end: Next<C>): Next<C> {
  return chain.reduceRight<Next<C>>((next, middleware) => (call) => middleware(call, next), end);
}

/**
 * Ends a call when its context ends, whatever the rest of the chain is waiting for. A call that has ended already isn't started.
 * Client and server both put it at the end of their chain. The code that created the context releases it.
 */
export function enforceContext<C extends Call>(call: C, next: Next<C>): Promise<Reply> {
  const { context, method } = call;
  if (context.reason !== undefined) return Promise.reject(context.reason);
  const answer = next(call);
  const reply = context.race(answer);
  if (!method.responseStream) return reply;
  return reply.then(
    (started) => untilContextEnds(started, call),
    (error) => {
      // The stream may still begin, and then no reader would close it.
      if (context.reason !== undefined) void answer.then(leave, () => undefined);
      throw error;
    },
  );
}

/** Closes the stream of a reply that no reader gets. */
export function leave({ response }: Reply): void {
  if (response.stream) void Promise.allSettled([response.messages[Symbol.asyncIterator]().return?.()]);
}

function untilContextEnds(reply: Reply, call: Call): Reply {
  const { header, trailer, response } = reply;
  if (!response.stream) return reply;
  return { header, trailer, response: { stream: true, messages: limited(response.messages, call) } };
}

function limited<M>(messages: AsyncIterable<M>, { context }: Call): AsyncIterable<M> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      // The source cleans up at once, even if no read is pending. Its errors are no part of the outcome.
      context.onEnd(() => void Promise.allSettled([iterator.return?.()]));
      return {
        next: () => context.race(iterator.next()),
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}
