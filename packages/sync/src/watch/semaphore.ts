/** A bounded number of permits, granted in the order of requests. */
export interface Semaphore {
  /** Waits for a permit and resolves to the function that releases it. Rejects with the signal's reason when that aborts. */
  acquire(signal: AbortSignal): Promise<() => void>;
  /** Takes a permit without waiting. Returns the function that releases it; undefined if no permit is free. */
  tryAcquire(): (() => void) | undefined;
}

export function createSemaphore(permits: number): Semaphore {
  const waiting = new Set<() => void>();
  let free = permits;

  const releaseOnce = (): (() => void) => {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const [next] = waiting;
      if (next === undefined) free += 1;
      else next();
    };
  };
  const wait = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (end: () => void) => (): void => {
        waiting.delete(onPermit);
        signal.removeEventListener('abort', onAbort);
        end();
      };
      const onPermit = settle(resolve);
      const onAbort = settle(() => reject(signal.reason));
      waiting.add(onPermit);
      signal.addEventListener('abort', onAbort);
    });

  return {
    async acquire(signal) {
      signal.throwIfAborted();
      if (free > 0) free -= 1;
      else await wait(signal);
      return releaseOnce();
    },
    tryAcquire() {
      if (free === 0) return undefined;
      free -= 1;
      return releaseOnce();
    },
  };
}
