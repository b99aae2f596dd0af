import { setTimeout as pause } from 'node:timers/promises';

/** Bounds of the delays between tries. */
interface BackoffBounds {
  /** Upper bound of the first delay, in milliseconds; it doubles with each failure. */
  readonly baseMs: number;
  /** Upper bound of all delays, in milliseconds. */
  readonly maxMs: number;
}

/**
 * The delay after `failures` failures in a row, in milliseconds. It is exponential backoff with full jitter: callers that
 * failed at the same time don't retry at the same time. This package can't import the backoff of `packages/rpc`.
 *
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(failures: number, { baseMs, maxMs }: BackoffBounds): number {
  return Math.random() * Math.min(maxMs, baseMs * 2 ** (failures - 1));
}

/** Sleeps for `delayMs`; rejects with the signal's reason when that aborts. */
export async function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  await pause(delayMs, undefined, { signal }).catch((error: unknown) => {
    throw signal?.aborted ? signal.reason : error;
  });
}
