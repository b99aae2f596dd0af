import { Rotation } from './turns.js';

/**
 * A bounded number of permits, granted to clients in rotation, and to one client in the order of its requests. Requests without a
 * client are those of one. The queue of those that wait has no bound of its own.
 */
export interface Semaphore {
  /** Waits for a permit and resolves to the function that releases it. Rejects with the signal's reason when that aborts. */
  acquire(signal?: AbortSignal, client?: string): Promise<() => void>;
  /** Takes a permit without waiting. Returns the function that releases it; undefined if no permit is free. */
  tryAcquire(): (() => void) | undefined;
  /** Runs `work` with a permit. If the signal aborts while it waits for the permit, `work` isn't run. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal, client?: string): Promise<T>;
}

/** A semaphore: at most `permits` permits are held at once. A second call of a release function has no effect. */
export function createSemaphore(permits: number): Semaphore {
  const waiting = new Rotation<() => void>();
  let free = permits;

  const releaseOnce = (): (() => void) => {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const next = waiting.take();
      if (next === undefined) free += 1;
      else next();
    };
  };
  const wait = (signal: AbortSignal | undefined, client: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (end: () => void) => (): void => {
        waiting.delete(client, onPermit);
        signal?.removeEventListener('abort', onAbort);
        end();
      };
      const onPermit = settle(resolve);
      const onAbort = settle(() => reject(signal?.reason));
      waiting.add(client, onPermit);
      signal?.addEventListener('abort', onAbort);
    });
  const acquire = async (signal?: AbortSignal, client = ''): Promise<() => void> => {
    signal?.throwIfAborted();
    if (free > 0) free -= 1;
    else await wait(signal, client);
    return releaseOnce();
  };

  return {
    acquire,
    tryAcquire() {
      if (free === 0) return undefined;
      free -= 1;
      return releaseOnce();
    },
    async run(work, signal, client) {
      const release = await acquire(signal, client);
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}
