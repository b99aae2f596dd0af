import type { Random } from '@rondo/rpc/clock';

/** How waits between tries grow. Milliseconds. */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly random: Random;
}

/** Growing waits between tries. */
export interface Backoff {
  /** The wait after one more failure. */
  nextMs(): number;
  /** Starts again, after a success. */
  reset(): void;
}

/**
 * Exponential backoff with full jitter: so that those who failed together don't come back together.
 *
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function createBackoff({ baseMs, maxMs, random }: BackoffOptions): Backoff {
  let failures = 0;
  return {
    nextMs: () => random.next() * Math.min(maxMs, baseMs * 2 ** failures++),
    reset() {
      failures = 0;
    },
  };
}
