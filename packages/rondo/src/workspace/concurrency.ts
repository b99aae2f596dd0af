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
