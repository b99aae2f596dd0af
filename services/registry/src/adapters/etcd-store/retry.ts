import { type Clock, type Random, sleep } from '@rondo/rpc/clock';
import { RpcError } from '@rondo/rpc/status';
import { StoreUnreachable } from '../../domain/errors.js';

/** How calls of etcd are tried again. */
export interface RetryOptions {
  /** Where etcd is, for messages. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** No try begins later than this: the registry's own calls may take 3 s, and their callers shall hear why. */
const LAST_TRY_MS = 2_000;
const BASE_MS = 25;
const MAX_MS = 250;

/**
 * Runs `work` until it succeeds, or for as long as a caller of the registry waits. What it does must be safe to repeat, be
 * it that etcd has done it and its answer was lost: the store's transactions are, as each holds only for what was read.
 *
 * @throws StoreUnreachable where etcd doesn't do it; whatever else `work` throws, as it stands.
 */
export async function withRetries<T>(work: () => Promise<T>, { name, clock, random }: RetryOptions): Promise<T> {
  const startedAt = clock.now();
  for (let failures = 0; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      const delayMs = random.next() * Math.min(MAX_MS, BASE_MS * 2 ** failures);
      const spentMs = clock.now() - startedAt + delayMs;
      if (spentMs > LAST_TRY_MS) throw new StoreUnreachable(name, error.message);
      await sleep(clock, delayMs);
    }
  }
}
