import { type Clock, createBackoff, type Random, sleep } from '@rondo/rpc/clock';
import { RpcError } from '@rondo/rpc/status';
import { StoreUnreachable } from '../../domain/errors.js';

/** The options of {@link withRetries}. */
export interface RetryOptions {
  /** The address of etcd, for error messages. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** No try begins later than this. Callers of the registry wait for 3 s, and they shall get the reason of a failure. */
const LAST_TRY_MS = 2_000;
const BACKOFF = { baseMs: 25, maxMs: 250 };

/**
 * Runs `work` until it succeeds, or for as long as a caller of the registry waits. `work` must be safe to repeat even
 * if etcd has done it and the answer was lost. The store's transactions are, because each holds only for the revision
 * that was read.
 *
 * @throws StoreUnreachable if etcd keeps failing. Any other error of `work` is thrown unchanged.
 */
export async function withRetries<T>(work: () => Promise<T>, { name, clock, random }: RetryOptions): Promise<T> {
  const startedAt = clock.now();
  const backoff = createBackoff({ ...BACKOFF, random });
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      const delayMs = backoff.nextMs();
      const spentMs = clock.now() - startedAt + delayMs;
      if (spentMs > LAST_TRY_MS) throw new StoreUnreachable(name, error.message);
      await sleep(clock, delayMs);
    }
  }
}
