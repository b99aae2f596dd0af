import type { Reply } from '../call/index.js';

/** How a response stream is followed. */
export interface StreamObserver<M> {
  /** Sees each message before the reader does. */
  message?(message: M): void;
  /** Turns what the stream fails with into what the reader sees. */
  error?(error: unknown): unknown;
  /** Runs once, when the stream has ended, failed with the error given, or its reader has left. */
  end?(error?: unknown): void;
}

/** `messages`, followed by `observer`. Nothing is read ahead. */
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
      return {
        async next() {
          try {
            const step = await iterator.next();
            if (step.done === true) {
              end();
              return step;
            }
            observer.message?.(step.value);
            return step;
          } catch (error) {
            const seen = observer.error?.(error) ?? error;
            end(seen);
            throw seen;
          }
        },
        async return() {
          end();
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** `reply` with its end followed: at once for one message, with the stream for many. */
export function observeReply<M>(reply: Reply<M>, observer: Omit<StreamObserver<M>, 'message'>): Reply<M> {
  if (!reply.response.stream) {
    observer.end?.();
    return reply;
  }
  const { header, trailer, response } = reply;
  return { header, trailer, response: { stream: true, messages: observe(response.messages, observer) } };
}

/** `messages`, each as `map` makes it. Nothing is read ahead. */
export function mapMessages<A, B>(messages: AsyncIterable<A>, map: (message: A) => B): AsyncIterable<B> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      return {
        async next() {
          const step = await iterator.next();
          return step.done === true ? step : { done: false, value: map(step.value) };
        },
        async return() {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
