/** A bounded number of permits, given in the order of asking. */
export interface Semaphore {
  /** Waits for a permit and resolves to what gives it back; rejects with the signal's reason when that aborts. */
  acquire(signal: AbortSignal): Promise<() => void>;
}

/** Makes so many permits. */
export function createSemaphore(count: number): Semaphore {
  const waiting = new Set<() => void>();
  let free = count;

  const giveBack = (): void => {
    const [next] = waiting;
    if (next === undefined) free += 1;
    else next();
  };
  const wait = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (end: () => void) => (): void => {
        waiting.delete(onTurn);
        signal.removeEventListener('abort', onAbort);
        end();
      };
      const onTurn = settle(resolve);
      const onAbort = settle(() => reject(signal.reason));
      waiting.add(onTurn);
      signal.addEventListener('abort', onAbort);
    });

  return {
    async acquire(signal) {
      signal.throwIfAborted();
      if (free > 0) free -= 1;
      else await wait(signal);
      let given = false;
      return () => {
        if (given) return;
        given = true;
        giveBack();
      };
    },
  };
}
