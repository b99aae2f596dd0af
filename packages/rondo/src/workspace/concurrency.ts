/** A mutex, a semaphore and a concurrent map. */

/** How many items {@link mapConcurrently} works on at once: it keeps the services busy, and no call waits for long. */
const CONCURRENCY = 16;

/**
 * Runs `work` for each item, some at once. Resolves to the results in the items' order. Rejects with the first failure, after
 * which it starts no more work.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const left = items.entries();
  let failed = false;
  const worker = async () => {
    // All workers share one iterator: each takes the next item.
    for (const [index, item] of left) {
      if (failed) return;
      try {
        results[index] = await work(item, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return results;
}

/** Runs works, some at once. */
export type Semaphore = <T>(work: () => Promise<T>) => Promise<T>;

/** A semaphore: runs at most `permits` works at once, in the order in which they were given. */
export function createSemaphore(permits: number): Semaphore {
  const waiting: (() => void)[] = [];
  let taken = 0;
  return async (work) => {
    if (taken < permits) taken += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The next in the queue takes over the permit.
      const next = waiting.shift();
      if (next === undefined) taken -= 1;
      else next();
    }
  };
}

/** A mutex: each work begins when the one before it has ended, even if that one has failed. */
export const createMutex = (): Semaphore => createSemaphore(1);
