import type { Clock } from '@rondo/rpc/clock';

const PRUNE_EVERY_MS = 60_000;
/** The most rows that are deleted at once, which takes a few milliseconds. */
const BATCH = 1_000;

/**
 * Creates a part of a sweep's rounds that deletes old rows: a batch a round, each minute until none is left.
 *
 * @param prune deletes at most `limit` rows, and returns how many.
 * @returns a function for each round. It resolves to true if more rows are left, for the next round at once.
 */
export function createPruning(clock: Clock, prune: (limit: number, signal: AbortSignal) => Promise<number>) {
  let dueAt = clock.now();
  return async (signal: AbortSignal): Promise<boolean> => {
    if (clock.now() < dueAt) return false;
    if ((await prune(BATCH, signal)) === BATCH) return true;
    dueAt = clock.now() + PRUNE_EVERY_MS;
    return false;
  };
}
