/** The exponential backoff of what runs without a build, and so without packages/rpc. */
import { setTimeout as sleep } from 'node:timers/promises';

/** The delay before a retry: `firstMs` before the first, which is retry 1, and doubled before each further one. */
export const backoffMs = (retry: number, firstMs: number): number => firstMs * 2 ** (retry - 1);

/** How often, and after which errors, a call is made again. */
interface RetryOptions {
  readonly attempts: number;
  readonly firstMs: number;
  readonly isRetryable: (error: unknown) => boolean;
}

/**
 * Makes a call again while it fails with an error that is worth a retry. It waits for a random part of {@link backoffMs} (full
 * jitter), so that calls that failed together are not repeated together.
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export async function retry<T>(call: () => Promise<T>, { attempts, firstMs, isRetryable }: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (attempt === attempts || !isRetryable(error)) throw error;
    }
    await sleep(Math.random() * backoffMs(attempt, firstMs));
  }
}
