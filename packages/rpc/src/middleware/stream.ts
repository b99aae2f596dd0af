import { yieldToEventLoop } from '@rondo/base';
import type { Call, Reply } from '../call/call.js';

/** Callbacks on the events of a stream. */
export interface StreamObserver<M> {
  /** Runs with each message before the reader gets it. */
  message?(message: M): void;
  /** Maps the stream's error to the error that the reader gets. */
  error?(error: unknown): unknown;
  /** Runs once, when the stream has ended, failed with `error`, or was closed by its reader. */
  end?(error?: unknown): void;
}

/** `messages` with an observer. It reads nothing ahead. */
export function observe<M>(messages: AsyncIterable<M>, observer: StreamObserver<M>): AsyncIterable<M> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      let ended = false;
      const end = (error?: unknown) => {
        if (ended) return;
        ended = true;
        observer.end?.(error);
      };
      const fail = (error: unknown): never => {
        const seen = observer.error?.(error) ?? error;
        end(seen);
        throw seen;
      };
      const take = (step: IteratorResult<M>): IteratorResult<M> => {
        try {
          if (step.done === true) end();
          else observer.message?.(step.value);
          return step;
        } catch (error) {
          return fail(error);
        }
      };
      return {
        next: () => settle(iterator, take, fail),
        async return() {
          end();
          try {
            await iterator.return?.();
          } catch (error) {
            throw observer.error?.(error) ?? error;
          }
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** The next step of `iterator`, as `take` or `fail` gives it. It uses no `await`, which would cost more promises a message. */
function settle<A, B>(
  iterator: AsyncIterator<A>,
  take: (step: IteratorResult<A>) => B | Promise<B>,
  fail?: (error: unknown) => B | Promise<B>,
): Promise<B> {
  try {
    return iterator.next().then(take, fail);
  } catch (error) {
    return Promise.reject(error).catch(fail);
  }
}

/** `reply` with an observer: a single message ends at once, a stream when it ends. */
export function observeReply<M>(reply: Reply<M>, observer: StreamObserver<M>): Reply<M> {
  if (!reply.response.stream) {
    observer.message?.(reply.response.message);
    observer.end?.();
    return reply;
  }
  const { header, trailer, response } = reply;
  return { header, trailer, response: { stream: true, messages: observe(response.messages, observer) } };
}

/** The messages of a call's answer. A watch lasts as long as its caller wants, so its span ends as it begins, and each message has one. */
export function traceMessages<M>({ method, context: { span } }: Call, messages: AsyncIterable<M>): AsyncIterable<M> {
  if (span === undefined || method.policy.resume === undefined) return messages;
  span.end();
  return observe(messages, { message: () => span.message() });
}

/** `reply`, with `end` run once: when it fails, or when all of it has been read. */
export async function endWith<M>(reply: Promise<Reply<M>>, end: () => void): Promise<Reply<M>> {
  try {
    return observeReply(await reply, { end });
  } catch (error) {
    end();
    throw error;
  }
}

/** `messages`, each converted by `map`. It reads nothing ahead. */
export function mapMessages<A, B>(messages: AsyncIterable<A>, map: (message: A) => B): AsyncIterable<B> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      const take = (step: IteratorResult<A>): IteratorResult<B> | Promise<IteratorResult<B>> => {
        if (step.done === true) return step;
        try {
          return { done: false, value: map(step.value) };
        } catch (error) {
          return Promise.resolve(iterator.return?.()).then(() => Promise.reject(error));
        }
      };
      return {
        next: () => settle(iterator, take),
        async return() {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** `messages`, of which so many are read in a row; then others have their turn, even if all messages are there already. */
export function inRounds<M>(messages: AsyncIterable<M>, perRound: number): AsyncIterable<M> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      let left = perRound;
      return {
        next() {
          left -= 1;
          if (left >= 0) return iterator.next();
          left = perRound;
          return yieldToEventLoop().then(() => iterator.next());
        },
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

/** `messages` until `signal` aborts. Pending reads then reject with the reason. */
export function untilAborted<M>(messages: AsyncIterable<M>, signal: AbortSignal): AsyncIterable<M> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      const pending = new Set<(reason: unknown) => void>();
      const onAbort = () => {
        for (const reject of pending) reject(signal.reason);
      };
      // One listener for all reads: the signal lives as long as the call.
      signal.addEventListener('abort', onAbort, { once: true });
      const next = (resolve: (step: IteratorResult<M>) => void, reject: (reason: unknown) => void) => {
        pending.add(reject);
        const take = (step: IteratorResult<M>) => {
          pending.delete(reject);
          resolve(step);
        };
        const fail = (error: unknown) => {
          pending.delete(reject);
          reject(error);
        };
        iterator.next().then(take, fail);
      };
      return {
        next: () => (signal.aborted ? Promise.reject(signal.reason) : new Promise(next)),
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}
