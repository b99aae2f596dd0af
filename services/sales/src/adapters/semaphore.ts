/** Does work when it is its turn. */
type Turns = <T>(work: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>;

/**
 * At most so many at once, the others in the order in which they came. Whoever's signal aborts waits no longer: it rejects
 * with the signal's reason. As many wait as there are calls.
 */
export function createTurns(atOnce: number): Turns {
  const waiting = new Set<() => void>();
  let busy = 0;

  function turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        waiting.delete(begin);
        reject(signal?.reason);
      };
      const begin = (): void => {
        signal?.removeEventListener('abort', onAbort);
        busy += 1;
        resolve();
      };
      if (signal?.aborted) return onAbort();
      if (busy < atOnce) return begin();
      waiting.add(begin);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
  function next(): void {
    busy -= 1;
    const [begin] = waiting;
    if (begin === undefined) return;
    waiting.delete(begin);
    begin();
  }
  return async (work, signal) => {
    await turn(signal);
    try {
      return await work();
    } finally {
      next();
    }
  };
}
