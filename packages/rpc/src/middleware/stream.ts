import type { Reply } from '../call/call.js';

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
      return {
        async next() {
          const step = await iterator.next();
          if (step.done === true) return step;
          try {
            return { done: false, value: map(step.value) };
          } catch (error) {
            await iterator.return?.();
            throw error;
          }
        },
        async return() {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** `messages` until `signal` aborts. A pending read then rejects with the reason. */
export function untilAborted<M>(messages: AsyncIterable<M>, signal: AbortSignal): AsyncIterable<M> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      return {
        next: () => (signal.aborted ? Promise.reject(signal.reason) : unlessAborted(iterator.next(), signal)),
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

/** Settles as `work` does, or rejects with the signal's reason if `signal` aborts first. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
