import type { Call, Reply } from '../call/index.js';
import type { Next } from './middleware.js';
import { observe } from './stream.js';

/** Ends a call when its limit comes, whatever the rest of the chain is waiting for. Both sides end their chain so. */
export async function enforceLimit<C extends Call>(call: C, next: Next<C>): Promise<Reply> {
  const { limit } = call;
  try {
    const reply = await limit.race(next(call));
    if (!reply.response.stream) {
      limit.release();
      return reply;
    }
    const { header, trailer, response } = reply;
    const messages = observe(untilLimit(response.messages, call), { end: () => limit.release() });
    return { header, trailer, response: { stream: true, messages } };
  } catch (error) {
    limit.release();
    throw error;
  }
}

function untilLimit<M>(messages: AsyncIterable<M>, { limit }: Call): AsyncIterable<M> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      return {
        next: () => limit.race(iterator.next()),
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}
