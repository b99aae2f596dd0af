/** Runs work as soon as one of the semaphore's permits is free. */
type Semaphore = <T>(work: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>;

/**
 * A semaphore: at most `permits` pieces of work run at once, and the others wait in the order in which they came. If
 * the signal of waiting work aborts, the work isn't run, and the call rejects with the signal's reason. The queue has
 * no bound of its own; each waiting piece of work belongs to a call.
 */
export function createSemaphore(permits: number): Semaphore {
  const waiting = new Set<() => void>();
  let running = 0;

  function acquire(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        waiting.delete(begin);
        reject(signal?.reason);
      };
      const begin = (): void => {
        signal?.removeEventListener('abort', onAbort);
        running += 1;
        resolve();
      };
      if (signal?.aborted) return onAbort();
      if (running < permits) return begin();
      waiting.add(begin);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
  function release(): void {
    running -= 1;
    const [begin] = waiting;
    if (begin === undefined) return;
    waiting.delete(begin);
    begin();
  }
  return async (work, signal) => {
    await acquire(signal);
    try {
      return await work();
    } finally {
      release();
    }
  };
}
