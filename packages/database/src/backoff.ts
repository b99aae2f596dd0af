import { setTimeout as pause } from 'node:timers/promises';

/** Bounds of the delays between tries. */
export interface BackoffBounds {
  /** Upper bound of the first delay, in milliseconds; it doubles with each failure. */
  readonly baseMs: number;
  /** Upper bound of all delays, in milliseconds. */
  readonly maxMs: number;
  /** Uniform in [0, 1); `Math.random` by default. */
  readonly random?: () => number;
}

/**
 * The delay after `failures` failures in a row, in milliseconds. It is exponential backoff with full jitter: callers that
 * failed at the same time don't retry at the same time.
 *
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(failures: number, { baseMs, maxMs, random = Math.random }: BackoffBounds): number {
  return random() * Math.min(maxMs, baseMs * 2 ** (failures - 1));
}

/** Sleeps for `delayMs`; rejects with the signal's reason when that aborts. */
export async function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  await pause(delayMs, undefined, { signal }).catch((error: unknown) => {
    throw signal?.aborted ? signal.reason : error;
  });
}
