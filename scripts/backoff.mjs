/** The one exponential backoff of the scripts, which can't import packages/rpc. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The delay before a retry: `firstMs` before the first, doubled before each further one.
 * @param {number} retry 1 for the first retry.
 * @param {number} firstMs
 */
export const backoffMs = (retry, firstMs) => firstMs * 2 ** (retry - 1);

/**
 * Makes a call again while it fails with an error that is worth a retry. It waits for a random part of {@link backoffMs} (full
 * jitter), so that calls that failed together are not repeated together.
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @template T
 * @param {() => Promise<T>} call
 * @param {{ attempts: number, firstMs: number, isRetryable: (error: unknown) => boolean }} options
 * @returns {Promise<T>}
 */
export async function retry(call, { attempts, firstMs, isRetryable }) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (attempt === attempts || !isRetryable(error)) throw error;
    }
    await sleep(Math.random() * backoffMs(attempt, firstMs));
  }
}
